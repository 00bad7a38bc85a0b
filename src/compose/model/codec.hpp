// Converts the canonical tree to the typed model and back.
#pragma once

#include "compose/internal/reporter.hpp"
#include "compose/model.hpp"

namespace consort::compose {

// Fills in the project's resources (services, networks, ...), their marks and extensions.
void decode_project(const Node& tree, Project& project, Reporter& reporter);

enum class Syntax : std::uint8_t { yaml, json };

// A tree ready to print: typed objects in their fixed order, free maps in the printing order.
Node encode_project(const Project& project, Syntax syntax);
Node encode_service(const Service& service, Syntax syntax);
// Free-form data with all maps in the printing order.
void sort_keys(Node& node, Syntax syntax);

// Splits a command line into words without running a shell; nullopt for an unterminated quote and the like.
std::optional<Strings> split_command(std::string_view text);

// Compares by code point, but digit sequences as numbers: the order in which `config` prints the keys of maps.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace consort::compose
