// Converts short forms to long forms and fills in default values.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "compose/internal/reporter.hpp"

namespace consort::compose {

// Visits every mapping that describes a container: services and their pre_start hooks, with their paths
// ("services.web", "services.web.pre_start.0").
void visit_containers(Node& root, const std::function<void(Node& node, const std::string& path)>& visit);

// Lenient: values that cannot be parsed (because variables were not interpolated) are kept as written.
enum class Parsing : std::uint8_t { strict, lenient };
// `ports_left`: how many more ports ranges may expand to; reduced accordingly.
void canonicalize(Node& root, Reporter& reporter, Parsing parsing, std::size_t& ports_left);
// Adds the implicit default network, actual names, build defaults, implied dependencies, and values of key-only
// variables.
void normalize_tree(Node& root, const std::string& project_name, const std::map<std::string, std::string>& environment);
// Fills in values from the environment for key-only items of `environment`, for configs and for secrets; also used
// without normalization.
inline constexpr std::string_view secret_value_key = "x-#value";  // key that holds the value of a secret in the tree
void resolve_named_values(Node& root, const std::map<std::string, std::string>& environment);
// Defaults that apply after all files are merged: build context, port protocol, secret targets, device counts.
void set_defaults(Node& root);

// The long forms of one short port or mount; empty after an error.
std::vector<Node> parse_port(const Node& item, const std::string& path, Reporter& reporter, std::size_t& ports_left);
Node parse_mount(const Node& item, const std::string& path, Reporter& reporter);

// Resolves relative paths against `base`.
struct PathOptions {
  const std::string& home;  // for `~`
  const std::function<std::string(const std::string&)>& resolve_links;
};
void resolve_paths(Node& root, const std::string& base, const PathOptions& options, Reporter& reporter);
// Whether it is not a local path: a URL, or a short form for a Git repository.
bool is_remote(std::string_view text);
// The relative path from one absolute directory to another: "../sub", or "." if they are the same.
std::string relative_path(const std::string& to, const std::string& from);

// Checks on the canonical tree, beyond the schema, before it is decoded into the model.
void check_tree(const Node& root, Reporter& reporter);

}  // namespace consort::compose
