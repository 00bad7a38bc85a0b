// Short forms to long forms, and the values that an attribute has when nothing is written.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "compose/internal/reporter.hpp"

namespace consort::compose {

// Every mapping that describes a container: the services and their pre_start hooks, with their paths ("services.web",
// "services.web.pre_start.0").
void visit_containers(Node& root, const std::function<void(Node& node, const std::string& path)>& visit);

// Lenient: what cannot be parsed (variables that were not interpolated) stays as it was written.
enum class Parsing : std::uint8_t { strict, lenient };
// `ports_left`: how many more ports ranges may become, lowered by what they do become.
void canonicalize(Node& root, Reporter& reporter, Parsing parsing, std::size_t& ports_left);
// The implicit default network, real names, build defaults, implied dependencies, values of key-only variables.
void normalize_tree(Node& root, const std::string& project_name, const std::map<std::string, std::string>& environment);
// Values that the environment gives to key-only items of `environment`, to configs and to secrets; even where nothing
// is normalised.
inline constexpr std::string_view secret_value_key = "x-#value";  // where the tree holds the value of a secret
void resolve_named_values(Node& root, const std::map<std::string, std::string>& environment);
// Defaults that apply once all files are merged: the build context, ports' protocol, secrets' targets, device counts.
void set_defaults(Node& root);

// Long forms of one short port or mount; empty after an error.
std::vector<Node> parse_port(const Node& item, const std::string& path, Reporter& reporter, std::size_t& ports_left);
Node parse_mount(const Node& item, const std::string& path, Reporter& reporter);

// Relative paths become paths below `base`, the directory they count from.
struct PathOptions {
  const std::string& home;  // for `~`
  const std::function<std::string(const std::string&)>& resolve_links;
};
void resolve_paths(Node& root, const std::string& base, const PathOptions& options, Reporter& reporter);
// Not a path: a URL, or one of the short names of a git repository.
bool is_remote(std::string_view text);
// The way from one absolute directory to another: "../sub", "." when they are the same.
std::string relative_path(const std::string& to, const std::string& from);

// What must hold of the canonical tree beyond the shapes, before it becomes a model.
void check_tree(const Node& root, Reporter& reporter);

}  // namespace consort::compose
