#include "compose/passes/checked_service.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::compose {

Place place_in(const Node& tree, const Strings& path) {
  if (path.size() > 1 && path[0] == "services") {
    // During the checks, services include the jobs.
    const Node* services = tree.find("services");
    const Node* jobs = tree.find("jobs");
    if (jobs && jobs->find(path[1]) && !(services && services->find(path[1]))) {
      Strings of_job = path;
      of_job[0] = "jobs";
      return place_in(tree, of_job);
    }
  }
  const Node* node = &tree;
  Place place = tree.place;
  for (const std::string& segment : path) {
    if (node->is_mapping()) {
      const Entry* entry = node->entry(segment);
      if (!entry) break;
      node = &entry->value;
      if (entry->place) place = entry->place;
      if (node->is_scalar() && node->place && node->place.length > 0) place = node->place;
    } else if (node->is_sequence()) {
      const auto index = parse_unsigned(segment);
      if (!index || *index >= node->items.size()) {
        // "K=V" and "K:V" items are looked up by K.
        const auto item = std::ranges::find_if(node->items, [&](const Node& each) {
          return each.is_string() &&
                 (each.text == segment || each.text.starts_with(segment + "=") || each.text.starts_with(segment + ":"));
        });
        if (item != node->items.end()) place = item->place;
        break;
      }
      node = &node->items[*index];
      if (node->place) place = node->place;
    } else {
      break;
    }
  }
  return place;
}

const Node* CheckedService::node_at(const Strings& path) const {
  const Node* node = project_.tree.get();
  for (const std::string& segment : path) {
    const Node* next = node ? node->find(segment) : nullptr;
    if (!next && node == project_.tree->find("services")) {
      const Node* jobs = project_.tree->find("jobs");
      next = jobs ? jobs->find(segment) : nullptr;
    }
    node = next;
  }
  return node;
}

Place CheckedService::at(Strings path) const {
  if (!hook_.empty()) path.insert(path.begin(), {"pre_start", hook_});
  path.insert(path.begin(), {"services", name_});
  return place_in(*project_.tree, path);
}

Diagnostic& CheckedService::error(std::string_view code, std::string message, Strings path) {
  return reporter_.error(code, std::move(message) + invalid_project, at(std::move(path)));
}

bool CheckedService::section_spoilt(std::string_view section) const {
  const Node* found = project_.tree->find(section);
  if (found) return !found->is_mapping() && !found->is_null();
  const std::vector<std::string> wanted{std::string(section)};
  return std::ranges::any_of(project_.tree->entries, [&](const Entry& entry) {
    return entry.value.is_mapping() && nearest(entry.key, wanted).has_value();
  });
}

}  // namespace consort::compose
