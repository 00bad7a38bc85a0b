// Fills in what Docker Compose adds before the tree becomes a model: the default network, real names, implied
// dependencies, values of variables without "=".
#include <array>
#include <string>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/passes/canonical.hpp"

namespace consort::compose {

namespace {

using Environment = std::map<std::string, std::string>;
enum class Unknown : std::uint8_t { keep, drop };  // how to treat a name without a value

const std::string* value_of(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : &found->second;
}

// Returns false if the item must be dropped.
bool fill_item(Node& item, const Environment& environment, Unknown unknown) {
  if (!item.is_string() || item.text.find('=') != std::string::npos) return true;
  if (const std::string* value = value_of(environment, item.text)) {
    item.text += "=" + *value;
    return true;
  }
  return unknown == Unknown::keep;
}

bool fill_entry(Entry& entry, const Environment& environment, Unknown unknown) {
  if (!entry.value.is_null()) return true;
  if (const std::string* value = value_of(environment, entry.key)) {
    entry.value = Node::make_string(*value, entry.place);
    return true;
  }
  return unknown == Unknown::keep;
}

void fill_values(Node* node, const Environment& environment, Unknown unknown) {
  if (!node) return;
  std::erase_if(node->items, [&](Node& item) { return !fill_item(item, environment, unknown); });
  node->entries.erase_if([&](Entry& entry) { return !fill_entry(entry, environment, unknown); });
  node->nil = node->is_sequence() && node->items.empty();
}

bool is_given(const Node& mapping, std::string_view key) {
  const Node* found = mapping.find(key);
  return found && !found->is_null();
}

void normalize_build(Node& service, const Environment& environment) {
  Node* build = service.find("build");
  if (!build || !build->is_mapping()) return;
  if (!is_given(*build, "context")) build->set("context", Node::make_string("."));
  if (!is_given(*build, "dockerfile") && !is_given(*build, "dockerfile_inline"))
    build->set("dockerfile", Node::make_string("Dockerfile"));
  fill_values(build->find("args"), environment, Unknown::drop);
}

enum class Restart : std::uint8_t { no, yes };

void imply(Node& service, const std::string& on, Restart restart, Place place) {
  Node* dependencies = service.find("depends_on");
  if (!dependencies) dependencies = &service.set("depends_on", Node::make_mapping(place));
  if (!dependencies->is_mapping() || dependencies->find(on)) return;
  Node made = Node::make_mapping(place);  // its values have no place, because they are not from a file
  made.set("condition", Node::make_string("service_started"));
  made.set("restart", Node::make_boolean(restart == Restart::yes));
  made.set("required", Node::make_boolean(true));
  dependencies->set(on, std::move(made), place);
}

// Adds dependencies of the service on services that it or one of its hooks (`from`) mentions.
void imply_dependencies(Node& service, const Node& from) {
  if (const Node* links = from.find("links")) {
    const Node copy = *links;  // imply() may move what `service` holds
    for (const Node& link : copy.items) {
      const auto parts = split(link.text, ':');
      imply(service, parts.size() == 2 ? std::string(parts[0]) : link.text, Restart::yes, link.place);
    }
  }
  constexpr std::string_view prefix = "service:";
  for (const std::string_view key : std::array{"network_mode", "ipc", "pid", "uts", "cgroup"}) {
    const Node* mode = from.find(key);
    if (!mode || !mode->is_string() || !mode->text.starts_with(prefix)) continue;
    const std::string name = mode->text.substr(prefix.size());
    const Place place = mode->place;  // imply() may move the node
    imply(service, name, Restart::yes, place);
  }
  if (const Node* sources = from.find("volumes_from")) {
    const Node copy = *sources;
    for (const Node& source : copy.items) {
      if (source.text.starts_with("container:")) continue;
      imply(service, source.text.substr(0, source.text.find(':')), Restart::no, source.place);
    }
  }
}

void clean_targets(Node& service) {
  Node* mounts = service.find("volumes");
  if (!mounts) return;
  for (Node& mount : mounts->items) {
    if (Node* target = mount.find("target"); target && target->is_string()) target->text = clean_path(target->text);
  }
}

// Whether the service uses the default network.
bool attach_to_network(Node& service) {
  if (service.find("provider") || service.find("network_mode")) return false;
  const Node* networks = service.find("networks");
  if (networks && !networks->entries.empty()) return networks->find("default") != nullptr;
  Node made = Node::make_mapping();
  made.set("default", Node::make_null());
  service.set("networks", std::move(made));
  return true;
}

void normalize_service(Node& service, const Environment& environment) {
  if (Node* policy = service.find("pull_policy"); policy && policy->text == "if_not_present") policy->text = "missing";
  normalize_build(service, environment);
  fill_values(service.find("environment"), environment, Unknown::keep);
  imply_dependencies(service, service);
  clean_targets(service);
}

// Whether one of the hooks uses the default network.
bool normalize_hooks(Node& service, const Environment& environment) {
  const Node* given = service.find("pre_start");
  if (!given || !given->is_sequence()) return false;
  bool uses_default = false;
  const Node hooks = *given;  // imply_dependencies() may move what `service` holds
  for (const Node& hook : hooks.items) {
    imply_dependencies(service, hook);
    const Node* networks = hook.find("networks");
    uses_default = uses_default || (networks && networks->find("default"));
  }
  for (Node& hook : service.find("pre_start")->items) {
    fill_values(hook.find("environment"), environment, Unknown::keep);
    clean_targets(hook);
  }
  return uses_default;
}

void name_resources(Node& root, std::string_view section, const std::string& project) {
  Node* resources = root.find(section);
  if (!resources || !resources->is_mapping()) return;
  for (Entry& entry : resources->entries) {
    if (entry.value.is_null()) entry.value = Node::make_mapping(entry.value.place);
    if (!entry.value.is_mapping() || is_given(entry.value, "name")) continue;
    const Node* external = entry.value.find("external");
    const bool outside = external && (external->boolean || external->text == "true");
    entry.value.set("name", Node::make_string(outside ? entry.key : project + "_" + entry.key));
  }
}

}  // namespace

void normalize_tree(Node& root, const std::string& project_name, const Environment& environment) {
  root.set("name", Node::make_string(project_name));
  bool uses_default = false;
  for (const std::string_view section : {"services", "jobs"}) {
    Node* containers = root.find(section);
    if (!containers || !containers->is_mapping()) continue;
    for (Entry& entry : containers->entries) {
      if (!entry.value.is_mapping()) continue;
      uses_default = attach_to_network(entry.value) || uses_default;
      normalize_service(entry.value, environment);
      uses_default = normalize_hooks(entry.value, environment) || uses_default;
    }
  }
  if (uses_default) {
    Node* networks = root.find("networks");
    if (!networks || !networks->is_mapping()) networks = &root.set("networks", Node::make_mapping());
    if (!networks->find("default")) networks->set("default", Node::make_null());
  }
  for (const std::string_view section : {"networks", "volumes", "configs", "secrets"})
    name_resources(root, section, project_name);
}

// A value without a position does not come from any file.
static void resolve_contents(Node* section, std::string_view key, const Environment& environment) {
  if (!section || !section->is_mapping()) return;
  for (Entry& entry : section->entries) {
    const Node* name = entry.value.find("environment");
    if (!name || !name->is_string()) continue;
    if (const std::string* value = value_of(environment, name->text)) entry.value.set(key, Node::make_string(*value));
  }
}

void resolve_named_values(Node& root, const Environment& environment) {
  visit_containers(root, [&](Node& node, const std::string&) {
    Node* variables = node.find("environment");
    if (variables && variables->is_sequence()) fill_values(variables, environment, Unknown::keep);
  });
  resolve_contents(root.find("configs"), "content", environment);
  resolve_contents(root.find("secrets"), secret_value_key, environment);
}

}  // namespace consort::compose
