// Sequences whose items have a key: ports by their published port, mounts by their target, "K=V" by K, and so on.
#include <optional>
#include <unordered_map>
#include <utility>

#include "compose/internal/path_table.hpp"
#include "compose/passes/merge.hpp"

namespace consort::compose {

namespace {

using KeyOf = std::optional<std::string> (*)(const Node& item);

std::string text_of(const Node& mapping, std::string_view key, std::string fallback) {
  const Node* found = mapping.find(key);
  return found && !found->is_null() && found->is_scalar() ? found->scalar_text() : std::move(fallback);
}

std::optional<std::string> by_key(const Node& item) {
  if (!item.is_string()) return std::nullopt;
  return item.text.substr(0, item.text.find('='));
}

std::optional<std::string> by_text(const Node& item) {
  if (!item.is_scalar()) return std::nullopt;
  return item.scalar_text();
}

std::optional<std::string> by_path(const Node& item) {
  if (item.is_string()) return item.text;
  if (item.is_mapping()) return text_of(item, "path", "");
  return std::nullopt;
}

std::optional<std::string> by_target_under(const Node& item, const char* directory) {
  if (item.is_string()) return std::string(directory) + "/" + item.text;
  if (!item.is_mapping()) return std::nullopt;
  return text_of(item, "target", std::string(directory) + "/" + text_of(item, "source", ""));
}
std::optional<std::string> by_config_target(const Node& item) {
  return by_target_under(item, "");
}
std::optional<std::string> by_secret_target(const Node& item) {
  return by_target_under(item, "/run/secrets");
}

std::optional<std::string> by_port(const Node& item) {
  if (item.is_scalar()) return item.scalar_text();
  if (!item.is_mapping() || !item.find("target")) return std::nullopt;
  // As in Docker Compose, a number differs from a string here, and null from an empty string.
  const auto typed = [&item](std::string_view key) {
    const Node* value = item.find(key);
    if (!value || value->is_null()) return std::string("-");
    return (value->kind == Kind::integer ? "#" : "") + value->scalar_text();
  };
  return text_of(item, "host_ip", "0.0.0.0") + ":" + typed("published") + ":" + typed("target") + "/" +
         text_of(item, "protocol", "tcp");
}

// The target in the short form: the second field, or the only one; the colon of a Windows drive does not separate.
std::optional<std::string> by_mount_target(const Node& item) {
  if (item.is_mapping()) return text_of(item, "target", "");
  if (!item.is_string()) return std::nullopt;
  std::string_view text = item.text;
  std::size_t colon = text.find(':');
  if (colon == 1 && text.size() > 2 && (text[2] == '\\' || text[2] == '/')) {
    const std::size_t next = text.find(':', 2);
    colon = next;
  }
  if (colon == std::string_view::npos) return std::string(text);
  text.remove_prefix(colon + 1);
  return std::string(text.substr(0, text.find(':')));
}

std::optional<std::string> by_device_target(const Node& item) {
  if (item.is_mapping()) return text_of(item, "target", text_of(item, "source", ""));
  if (!item.is_string()) return std::nullopt;
  const std::string_view text = item.text;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::string(text);
  const std::string_view rest = text.substr(colon + 1);
  return std::string(rest.substr(0, rest.find(':')));
}

const PathTable<KeyOf>& keys() {
  static const PathTable<KeyOf> table{
      {"networks.*.labels", by_key},
      {"services.*.annotations", by_key},
      {"services.*.build.args", by_key},
      {"services.*.build.additional_contexts", by_key},
      {"services.*.build.platform", by_key},
      {"services.*.build.tags", by_key},
      {"services.*.build.labels", by_key},
      {"services.*.cap_add", by_key},
      {"services.*.cap_drop", by_key},
      {"services.*.configs", by_config_target},
      {"services.*.deploy.labels", by_key},
      {"services.*.devices", by_device_target},
      {"services.*.dns", by_key},
      {"services.*.dns_opt", by_key},
      {"services.*.dns_search", by_key},
      {"services.*.environment", by_key},
      {"services.*.env_file", by_path},
      {"services.*.expose", by_text},
      {"services.*.labels", by_key},
      {"services.*.links", by_key},
      {"services.*.networks.*.aliases", by_key},
      {"services.*.networks.*.link_local_ips", by_key},
      {"services.*.ports", by_port},
      {"services.*.profiles", by_key},
      {"services.*.secrets", by_secret_target},
      {"services.*.sysctls", by_key},
      {"services.*.tmpfs", by_key},
      {"services.*.volumes", by_mount_target},
  };
  return table;
}

void keep_last_of_each(Node& list, KeyOf key_of) {
  if (list.items.size() < 2) return;
  std::unordered_map<std::string, std::size_t> seen;
  std::vector<Node> kept;
  kept.reserve(list.items.size());
  for (Node& item : list.items) {
    const auto key = key_of(item);
    if (!key) {
      kept.push_back(std::move(item));
      continue;
    }
    const auto [it, fresh] = seen.emplace(*key, kept.size());
    if (fresh) {
      kept.push_back(std::move(item));
    } else {
      kept[it->second] = std::move(item);
    }
  }
  list.items = std::move(kept);
}

void walk(Node& node, PathTable<KeyOf>::Cursor cursor) {
  if (!cursor.alive()) return;
  if (node.is_mapping()) {
    for (Entry& entry : node.entries) walk(entry.value, cursor.child(entry.key));
  } else if (node.is_sequence()) {
    if (const KeyOf* key_of = cursor.value()) keep_last_of_each(node, *key_of);
    for (Node& item : node.items) walk(item, cursor.item());
  }
}

void nullify(Node& node, PathTable<KeyOf>::Cursor cursor) {
  for (Entry& entry : node.entries) nullify(entry.value, cursor.child(entry.key));
  for (Node& item : node.items) nullify(item, cursor.item());
  if (node.is_sequence() && node.items.empty() && !cursor.value()) node = Node::make_null(node.place);
}

void visit(const Node& node, PathTable<KeyOf>::Cursor cursor, Path& at,
           const std::function<void(const Node& item, const Path& at)>& visitor) {
  if (!cursor.alive()) return;
  for (const Entry& entry : node.entries) {
    PathStep step(at, entry.key);
    visit(entry.value, cursor.child(entry.key), at, visitor);
  }
  for (std::size_t i = 0; cursor.item().alive() && i < node.items.size(); ++i) {
    PathStep step(at, std::to_string(i));
    visit(node.items[i], cursor.item(), at, visitor);
  }
  const KeyOf* key_of = cursor.value();
  if (!key_of || *key_of != by_key) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (node.items[i].is_string()) continue;
    PathStep step(at, std::to_string(i));
    visitor(node.items[i], at);
  }
}

}  // namespace

void visit_keyless_items(const Node& root, const std::function<void(const Node& item, const Path& at)>& visitor) {
  Path at;
  visit(root, keys().root(), at, visitor);
}

void empty_lists_to_null(Node& root) {
  nullify(root, keys().root());
}

void enforce_unicity(Node& root) {
  walk(root, keys().root());
}

}  // namespace consort::compose
