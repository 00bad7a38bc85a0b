// Normalisation of a tree that never becomes a typed model, since its variables were not interpolated.
#include <string>
#include <utility>

#include "compose/passes/canonical.hpp"

namespace consort::compose {

namespace {

bool has_items(const Node* node) {
  return node && (!node->entries.empty() || !node->items.empty());
}

// Whether the service uses the default network.
bool normalize_service(Node& service) {
  if (Node* build = service.find("build"); build && build->is_mapping()) {
    if (!build->find("context")) build->set("context", Node::make_string("."));
    if (!build->find("dockerfile") && !build->find("dockerfile_inline")) {
      build->set("dockerfile", Node::make_string("Dockerfile"));
    }
  }
  const Node* networks = service.find("networks");
  if (!service.find("network_mode") && !service.find("provider") && !has_items(networks)) {
    Node made = Node::make_mapping();
    made.set("default", Node::make_null());
    service.set("networks", std::move(made));
  }
  networks = service.find("networks");
  return networks && networks->find("default");
}

void name_resources(Node& root, std::string_view section, const std::string& project) {
  Node* resources = root.find(section);
  if (!resources || !resources->is_mapping()) return;
  for (Entry& entry : resources->entries) {
    if (entry.value.is_null()) entry.value = Node::make_mapping(entry.value.place);
    if (!entry.value.is_mapping() || entry.value.find("name")) continue;
    const Node* external = entry.value.find("external");
    const bool outside = external && (external->boolean || external->text == "true");
    entry.value.set("name", Node::make_string(outside ? entry.key : project + "_" + entry.key));
  }
}

}  // namespace

void normalize_tree(Node& root, const std::string& project_name) {
  root.set("name", Node::make_string(project_name));
  bool uses_default = false;
  if (Node* services = root.find("services"); services && services->is_mapping()) {
    for (Entry& entry : services->entries) {
      if (entry.value.is_mapping()) uses_default = normalize_service(entry.value) || uses_default;
    }
  }
  if (uses_default) {
    Node* networks = root.find("networks");
    if (!networks || !networks->is_mapping()) networks = &root.set("networks", Node::make_mapping());
    if (!networks->find("default")) networks->set("default", Node::make_null());
  }
  for (const std::string_view section : {"networks", "volumes", "configs", "secrets"}) {
    name_resources(root, section, project_name);
  }
}

}  // namespace consort::compose
