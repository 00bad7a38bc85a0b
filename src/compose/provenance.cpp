#include "compose/provenance.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "compose/source.hpp"

namespace consort::compose {

std::string masked(const std::string& path, const std::string& value) {
  const std::string name = to_upper(path.substr(path.rfind('.') + 1));
  for (const char* word : {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "PRIVATE"}) {
    if (name.find(word) != std::string::npos && !value.empty()) return "***";
  }
  return value;
}

namespace {

// Items "K=V" of lists that become mappings are recorded under their key.
std::string item_path(const std::string& path, const Node& item) {
  return path + "." + item.text.substr(0, item.text.find('='));
}
std::string item_value(const Node& item) {
  const std::size_t equals = item.text.find('=');
  return equals == std::string::npos ? std::string() : item.text.substr(equals + 1);
}

bool is_pair_list(const Node& node) {
  return node.is_sequence() && std::ranges::all_of(node.items, [](const Node& item) { return item.is_string(); });
}

class Walk {
 public:
  Walk(std::map<std::string, std::vector<ProvenanceStep>>& out, const Sources& sources,
       const std::vector<VariableSighting>& sightings, const LoadOptions& options)
      : out_(out), sources_(sources), options_(options) {
    for (const VariableSighting& each : sightings) by_place_[key(each.place)].push_back(&each);
  }

  void step(const std::string& path, std::string what, const std::string& value, Place place) {
    ProvenanceStep made;
    made.what = std::move(what);
    made.value = masked(path, value);
    made.mark = sources_.mark(place);
    made.line_text = made.value == "***" ? std::string() : sources_.line_text(made.mark);
    out_[path].push_back(std::move(made));
    variables(path, place);
  }

  void walk(const Node& node, const std::string& path) {
    if (node.is_mapping()) {
      for (const Entry& entry : node.entries) walk(entry.value, path.empty() ? entry.key : path + "." + entry.key);
    } else if (is_pair_list(node)) {
      for (const Node& item : node.items) step(item_path(path, item), "set", item_value(item), item.place);
    } else if (node.is_sequence()) {
      for (std::size_t i = 0; i < node.items.size(); ++i) walk(node.items[i], path + "." + std::to_string(i));
    } else {
      const std::string what = node.place ? "set" : "default";
      step(path, what, node.scalar_text(), node.place);
    }
  }

 private:
  static std::string key(Place place) {
    return std::to_string(place.source) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  }

  void variables(const std::string& path, Place place) {
    const auto found = by_place_.find(key(place));
    if (found == by_place_.end() || !place) return;
    for (const VariableSighting* each : found->second) {
      ProvenanceStep made;
      made.what = "interpolated ${" + each->use.name + "}";
      const bool process = options_.environment.contains(each->use.name);
      made.source = !each->use.set ? (each->use.word.empty() ? "not set" : "default in the file")
                    : process      ? "environment of the process"
                                   : "env file";
      made.mark = sources_.mark(place);
      out_[path].push_back(std::move(made));
    }
  }

  std::map<std::string, std::vector<ProvenanceStep>>& out_;
  const Sources& sources_;
  const LoadOptions& options_;
  std::map<std::string, std::vector<const VariableSighting*>> by_place_;
};

}  // namespace

void Provenance::overridden(const std::string& path, const Node& before, const Node& after) {
  if (before.is_sequence()) {
    for (const Node& item : before.items) {
      if (!item.is_string()) continue;
      const std::string own = item_path(path, item);
      const bool again = std::ranges::any_of(
          after.items, [&](const Node& other) { return other.is_string() && item_path(path, other) == own; });
      if (again) replaced_[own].push_back(Replaced{item_value(item), item.place});
    }
    return;
  }
  if (before.is_scalar()) replaced_[path].push_back(Replaced{before.scalar_text(), before.place});
}

std::map<std::string, std::vector<ProvenanceStep>> Provenance::steps(const Node& tree, const Sources& sources,
                                                                     const std::vector<VariableSighting>& sightings,
                                                                     const LoadOptions& options) const {
  std::map<std::string, std::vector<ProvenanceStep>> out;
  Walk walk(out, sources, sightings, options);
  for (const auto& [path, history] : replaced_) {
    for (const Replaced& each : history) walk.step(path, "set, then overridden", each.value, each.place);
  }
  walk.walk(tree, "");
  return out;
}

}  // namespace consort::compose
