#include "kube/field_diff.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t longest_value = 120;

std::string shown(const Json* value) {
  if (!value) return "(none)";
  std::string text = value->is_string() ? value->get<std::string>() : dump_json(*value);
  if (text.find('\n') != std::string::npos) text = dump_json(*value);
  if (text.size() > longest_value) text = text.substr(0, longest_value) + "...";
  return text.empty() ? "\"\"" : text;
}

std::string name_of(const Json& item) {
  for (const char* key : {"name", "mountPath", "containerPort", "port", "key", "ip"})
    if (const Json* found = find_key(item, key))
      return found->is_string() ? found->get<std::string>() : dump_json(*found);
  return "";
}

// Lists whose items have unique names are compared by name.
bool has_names(const Json& list) {
  std::set<std::string> names;
  return std::ranges::all_of(list, [&](const Json& item) {
    const std::string name = name_of(item);
    return !name.empty() && names.insert(name).second;
  });
}

class Diff {
 public:
  std::vector<std::string> lines;

  void compare(const std::string& path, const Json* before, const Json* after) {
    if (before && after && *before == *after) return;
    if (is_own(path)) return;
    if (before && after && before->is_object() && after->is_object()) return compare_objects(path, *before, *after);
    if (before && after && before->is_array() && after->is_array() && has_names(*before) && has_names(*after))
      return compare_lists(path, *before, *after);
    lines.push_back(path + ": " + shown(before) + " -> " + shown(after));
  }

 private:
  static bool is_own(const std::string& path) {
    constexpr std::array<std::string_view, 5> own{".status", ".metadata.managedFields", ".metadata.resourceVersion",
                                                  ".metadata.generation", ".metadata.creationTimestamp"};
    return std::ranges::find(own, path) != own.end();
  }

  void compare_objects(const std::string& path, const Json& before, const Json& after) {
    for (const auto& [key, value] : before.items()) compare(join(path, key), &value, find_key(after, key));
    for (const auto& [key, value] : after.items())
      if (!before.contains(key)) compare(join(path, key), nullptr, &value);
  }

  void compare_lists(const std::string& path, const Json& before, const Json& after) {
    const auto find = [](const Json& list, const std::string& name) -> const Json* {
      for (const Json& item : list)
        if (name_of(item) == name) return &item;
      return nullptr;
    };
    for (const Json& item : before) {
      const std::string name = name_of(item);
      compare(path + "[" + name + "]", &item, find(after, name));
    }
    for (const Json& item : after)
      if (const std::string name = name_of(item); !find(before, name)) compare(path + "[" + name + "]", nullptr, &item);
  }

  static std::string join(const std::string& path, const std::string& key) {
    return key.find('.') == std::string::npos ? path + "." + key : path + "[" + key + "]";
  }
};

}  // namespace

std::vector<std::string> field_diff(const Json& before, const Json& after) {
  Diff diff;
  if (get_string(after, "kind") == "Secret") {
    Json hidden_before = before, hidden_after = after;
    const bool differs = before.is_object() && before.value("data", Json()) != after.value("data", Json());
    for (Json* each : {&hidden_before, &hidden_after})
      if (each->is_object()) each->erase("data");
    diff.compare("", &hidden_before, &hidden_after);
    if (differs) diff.lines.emplace_back(".data: (hidden) -> (hidden)");
    return diff.lines;
  }
  diff.compare("", &before, &after);
  return diff.lines;
}

}  // namespace consort::kube
