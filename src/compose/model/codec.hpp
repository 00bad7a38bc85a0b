// The canonical tree to the typed model and back.
#pragma once

#include "compose/internal/reporter.hpp"
#include "compose/model.hpp"

namespace consort::compose {

// Fills the resources of the project (services, networks, ...), their marks and extensions.
void decode_project(const Node& tree, Project& project, Reporter& reporter);

enum class Syntax : std::uint8_t { yaml, json };

// A tree ready to be printed: typed objects in their fixed order, free maps in the syntax's order.
Node encode_project(const Project& project, Syntax syntax);
Node encode_service(const Service& service, Syntax syntax);
// Free data in the order of the syntax, all the way down.
void sort_keys(Node& node, Syntax syntax);

// Words of a command line without running a shell; nullopt for an unterminated quote and the like.
std::optional<Strings> split_command(std::string_view text);

// Letters by code point, digit runs as numbers: the order in which `config` prints the keys of maps.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace consort::compose
