// extends: a service is based on another one, from this file or from another.
#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "compose/elsewhere.hpp"
#include "compose/loader/loader.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/suggest.hpp"
#include "compose/passes/validate.hpp"

namespace consort::compose {

namespace {

constexpr std::size_t chain_limit = 200;

Strings names_of(const Node& services) {
  Strings names;
  for (const Entry& entry : services.entries) names.push_back(entry.key);
  return names;
}

// Most services extend nothing, and looking up each one in a long mapping would cost more than everything else.
Strings extending(const Node& services) {
  Strings names;
  for (const Entry& entry : services.entries) {
    if (entry.value.is_mapping() && entry.value.find("extends")) names.push_back(entry.key);
  }
  return names;
}

}  // namespace

void TreeLoader::apply_extends(Node& document, const std::string& file, const Scope& scope, const Resets& resets) {
  Node* services = document.find("services");
  if (!services || !services->is_mapping()) return;
  for (const std::string& name : extending(*services)) {
    std::vector<Link> chain;
    extend(*services, name, file, scope, resets, chain);
  }
}

void TreeLoader::report_cycle(const std::vector<Link>& chain, const Link& last) {
  std::string message = "Circular reference:";
  for (const Link& link : chain) {
    message += message.ends_with(':') ? "\n  " : "\n  extends ";
    message += link.service + " in " + link.file;
  }
  message += "\n  extends " + last.service + " in " + last.file;
  Diagnostic& made = reporter_.error("extends-cycle", message, last.place);
  made.label = "leads back to " + last.service;
  made.help = "one of these must not extend the other";
}

std::optional<std::string> TreeLoader::path_of(const std::string& written, const Scope& scope, Place place) {
  if (!is_elsewhere(written)) return join_path(scope.base, written);
  const std::string here = options_.access.resolve_links(written);
  if (!here.empty()) return join_path(scope.base, here);
  reporter_.error("remote-file", "cannot read " + written, place).label = "this could not be read";
  return std::nullopt;
}

// Reports a file if remote files are not fetched, or if it cannot be fetched at all.
void TreeLoader::report_missing(const std::string& written, const Scope& scope, Place place) {
  const std::string path = join_path(scope.base, written);
  const bool git = is_git_repository(written);
  Diagnostic& made = reporter_.error("missing-file", "open " + path + ": no such file or directory", place);
  if (written.starts_with("file://")) {
    made.label = "this is an address, not a path";
    made.help = "give the path of the Compose file without `file://`: for a repository, of the file in a clone";
    return;
  }
  if (git || is_remote(written)) {
    made.label = "only files on this machine can be read";
    made.help = git ? "clone the repository, and give the path of the file in the clone"
                    : "download the file, and give its path";
    return;
  }
  made.label = "this file does not exist";
  made.help = "correct the path: it is relative to " + scope.base;
}

// The services of an extended file: loaded once, canonical, with paths as seen from the extending project.
const Node* TreeLoader::base_services(const std::string& path, const Node& written, const Scope& scope,
                                      std::vector<Link>& chain) {
  if (const auto found = extended_.find(path); found != extended_.end()) return found->second.get();
  if (!options_.access.exists(path)) {
    report_missing(written.text, scope, written.place);
    return nullptr;
  }
  const Parsed& parsed = parse_file(path);
  if (!parsed.usable) return nullptr;
  auto model = std::make_unique<Node>(Node::make_mapping());
  for (const Node& each : *parsed.documents) {
    if (!check_top(each, path)) continue;
    Node document = each;
    const Resets resets = collect_resets(document);
    interpolate_document(document, scope.environment);
    const std::string base = dir_name(path);
    const Scope inner{scope.environment, base, scope.includes};
    if (Node* services = document.find("services"); services && services->is_mapping()) {
      for (const std::string& name : extending(*services)) {
        std::vector<Link> own = chain;
        extend(*services, name, path, inner, resets, own);
      }
    }
    apply_resets(*model, resets);
    document.erase("include");
    Path root;
    merge(*model, std::move(document), root, reporter_);
    validate_extended(*model, path, reporter_);
    enforce_unicity(*model);
    canonicalize(*model, reporter_, options_.interpolate ? Parsing::strict : Parsing::lenient, ports_left_);
    enforce_unicity(*model);
  }
  const std::string directory = dir_name(path);
  resolve_paths(*model, options_.resolve_paths ? directory : relative_path(directory, scope.base), path_options(),
                reporter_);
  const Node* services = model->find("services");
  auto kept = std::make_unique<Node>(services ? *services : Node::make_null());
  return (extended_[path] = std::move(kept)).get();
}

// Attributes that the extending service resets or overrides are not taken from its base.
void TreeLoader::reset_service(Node& base, const std::string& name, const Resets& resets) {
  const auto services = resets.below.find("services");
  if (services == resets.below.end()) return;
  const auto service = services->second.below.find(name);
  if (services->second.here || (service != services->second.below.end() && service->second.here)) {
    base = Node::make_mapping(base.place);
  } else if (service != services->second.below.end()) {
    apply_resets(base, service->second);
  }
}

bool TreeLoader::extend(Node& services, const std::string& name, const std::string& file, const Scope& scope,
                        const Resets& resets, std::vector<Link>& chain) {
  Node* service = services.find(name);
  if (!service || !service->is_mapping()) return true;
  const Node* found = service->find("extends");
  if (!found) return true;
  const Node extends = *found;
  const Node* service_node = extends.is_mapping() ? extends.find("service") : &extends;
  const Node* file_node = extends.find("file");
  if (!service_node || !service_node->is_string()) return true;  // validation reports this
  const Link link{file, name, service_node->place};
  if (chain.size() >= chain_limit) {
    reporter_
        .error("extends-chain",
               "services extend one another through more than " + std::to_string(chain_limit) + " steps",
               service_node->place)
        .help = "extend a service closer to the original one";
    service->erase("extends");
    return false;
  }
  const bool cycle = std::ranges::any_of(
      chain, [&](const Link& each) { return each.file == link.file && each.service == link.service; });
  if (cycle) {
    report_cycle(chain, link);
    service->erase("extends");
    return false;
  }
  chain.push_back(link);
  const std::string wanted = service_node->text;
  const Node* bases = &services;
  std::string base_file = file;
  if (file_node && file_node->is_string()) {
    const auto path = path_of(file_node->text, scope, file_node->place);
    if (path) bases = base_services(base_file = *path, *file_node, scope, chain);
    if (!path || !bases) {
      service->erase("extends");
      return false;
    }
  } else if (!extend(services, wanted, file, scope, resets, chain)) {
    if (Node* again = services.find(name)) again->erase("extends");
    return false;
  }
  service = services.find(name);
  const Node* base = bases->find(wanted);
  if (!base) {
    const std::string where = file_node ? " in " + (file_node->is_string() ? file_node->text : base_file) : "";
    Diagnostic& made = reporter_.error("unknown-service",
                                       "cannot extend service \"" + name + "\" in " + file +
                                           (bases->is_null() ? std::string(": no services section")
                                                             : ": service \"" + wanted + "\" not found" + where),
                                       service_node->place);
    made.label = "not defined" + (where.empty() ? " in this file" : where);
    suggest_name(made, wanted, names_of(*bases), service_node->place, reporter_);
    service->erase("extends");
    return false;
  }
  if (!make_values(*base, service_node->place)) {
    service->erase("extends");
    return false;
  }
  Node model = base->is_null() ? Node::make_mapping(base->place) : *base;
  reset_service(model, name, resets);
  Path at;
  at.push("services");
  at.push(name);
  Node own = std::move(*service);
  own.erase("extends");
  const Place place = own.place;
  merge(model, std::move(own), at, reporter_, options_.listener);
  model.erase("extends");
  model.place = place;
  *service = std::move(model);
  chain.pop_back();
  return true;
}

}  // namespace consort::compose
