// pre_start hooks: containers that inherit from their service all attributes that they do not set themselves.
#include <algorithm>
#include <array>

#include "compose/model/codec.hpp"
#include "compose/passes/finish.hpp"
#include "compose/passes/merge.hpp"

namespace consort::compose {

namespace {

// Attributes that are specific to services, that the hook must set itself or do without, and the mounts, which the hook
// takes from the service's container when it runs (so that anonymous volumes are the same).
constexpr std::array<std::string_view, 24> not_inherited{
    "attach",  "command",        "container_name", "depends_on", "develop",     "expose",
    "extends", "external_links", "healthcheck",    "links",      "mac_address", "models",
    "ports",   "post_start",     "pre_start",      "pre_stop",   "profiles",    "provider",
    "restart", "scale",          "stdin_open",     "tty",        "volumes",     "volumes_from"};
// These belong to the service's image, and make no sense with another one.
constexpr std::array<std::string_view, 4> of_image{"build", "entrypoint", "image", "user"};
// An address cannot belong to two containers.
constexpr std::array<std::string_view, 5> addresses{"interface_name", "ipv4_address", "ipv6_address", "link_local_ips",
                                                    "mac_address"};

template <std::size_t size>
void erase(Node& mapping, const std::array<std::string_view, size>& keys) {
  mapping.entries.erase_if([&](const Entry& each) { return std::ranges::find(keys, each.key) != keys.end(); });
}

Node inherited_part(const Node& service, const Node& hook) {
  Node part = service;
  erase(part, not_inherited);
  if (hook.find("image")) erase(part, of_image);
  if (Node* networks = part.find("networks"); networks && networks->is_mapping())
    for (Entry& entry : networks->entries) erase(entry.value, addresses);
  // Only one of the two is possible; the hook's own setting wins.
  if (hook.find("network_mode")) part.erase("networks");
  if (hook.find("networks")) part.erase("network_mode");
  return part;
}

}  // namespace

void inherit_hooks(Project& project) {
  const Node* services = project.tree->find("services");
  if (!services) return;
  // Mistakes in a part were reported where it was first read.
  Reporter silent(*project.sources);
  for (auto& [name, service] : project.services) {
    if (service.pre_start.empty()) continue;
    const Node* node = services->find(name);
    const Node* hooks = node ? node->find("pre_start") : nullptr;
    for (std::size_t i = 0; hooks && i < service.pre_start.size() && i < hooks->items.size(); ++i) {
      const Node& hook = hooks->items[i];
      Node root = Node::make_mapping();
      Node& merged = root.set("services", Node::make_mapping()).set(name, inherited_part(*node, hook));
      Path at;
      at.push("services");
      PathStep step(at, name);
      merge(merged, hook, at, silent);
      enforce_unicity(root);
      Project alone;
      decode_project(root, alone, silent);
      service.pre_start[i].container = std::move(alone.services[name]);
      service.pre_start[i].container.mark = service.mark;
    }
  }
}

}  // namespace consort::compose
