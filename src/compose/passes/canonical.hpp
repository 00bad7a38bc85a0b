// Short forms to long forms, and the values that an attribute has when nothing is written.
#pragma once

#include "compose/internal/reporter.hpp"

namespace consort::compose {

// Lenient: what cannot be parsed (variables that were not interpolated) stays as it was written.
enum class Parsing : std::uint8_t { strict, lenient };
void canonicalize(Node& root, Reporter& reporter, Parsing parsing = Parsing::strict);
// The implicit network, names and build defaults, on the tree itself: for `config --no-interpolate`.
void normalize_tree(Node& root, const std::string& project_name);
// Defaults that apply once all files are merged: the build context, ports' protocol, secrets' targets, device counts.
void set_defaults(Node& root);

// Long forms of one short port or mount; empty after an error.
std::vector<Node> parse_port(const Node& item, const std::string& path, Reporter& reporter);
Node parse_mount(const Node& item, const std::string& path, Reporter& reporter);

// Relative paths become absolute; `base` is the absolute directory they count from.
void resolve_paths(Node& root, const std::string& base, const std::string& home);

// What must hold of the canonical tree beyond the shapes, before it becomes a model.
void check_tree(const Node& root, Reporter& reporter);

}  // namespace consort::compose
