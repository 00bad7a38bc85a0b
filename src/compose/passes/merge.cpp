#include "compose/passes/merge.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "compose/internal/path_table.hpp"

namespace consort::compose {

namespace {

enum class Rule : std::uint8_t {
  replace,     // the later value as a whole; null clears
  list,        // both sides as lists, appended
  hosts,       // the same, identical items once
  build,       // a string is {context: ...}
  depends_on,  // a list is a mapping of started conditions
  names,       // a list is a mapping of nulls
  logging,     // options belong to one driver
  keep_later,  // the later value, if any
  pools,       // by equal subnet
};

struct RuleRow {
  std::string_view pattern;
  Rule rule;
  std::string_view text;
};

constexpr std::string_view list_text = "appended, then unique by key (the last wins)";
constexpr std::array<RuleRow, 29> rows{{
    {"networks.*.ipam.config", Rule::pools, "merged by equal subnet, others appended"},
    {"networks.*.labels", Rule::list, list_text},
    {"volumes.*.labels", Rule::list, list_text},
    {"services.*.annotations", Rule::list, list_text},
    {"services.*.build", Rule::build, "a string is the context; then merged key by key"},
    {"services.*.build.args", Rule::list, list_text},
    {"services.*.build.additional_contexts", Rule::list, list_text},
    {"services.*.build.extra_hosts", Rule::hosts, "appended unless identical"},
    {"services.*.build.labels", Rule::list, list_text},
    {"services.*.command", Rule::replace, "replaced as a whole; null clears"},
    {"services.*.depends_on", Rule::depends_on, "a list becomes a mapping; then merged key by key"},
    {"services.*.deploy.labels", Rule::list, list_text},
    {"services.*.dns", Rule::list, "appended, unique"},
    {"services.*.dns_opt", Rule::list, "appended, unique"},
    {"services.*.dns_search", Rule::list, "appended, unique"},
    {"services.*.entrypoint", Rule::replace, "replaced as a whole; null clears"},
    {"services.*.env_file", Rule::list, "appended, unique by path"},
    {"services.*.label_file", Rule::list, "appended"},
    {"services.*.environment", Rule::list, list_text},
    {"services.*.extra_hosts", Rule::hosts, "appended unless identical"},
    {"services.*.healthcheck.test", Rule::replace, "replaced as a whole; null clears"},
    {"services.*.labels", Rule::list, list_text},
    {"services.*.logging", Rule::logging, "merged when both name the same driver or one names none"},
    {"services.*.models", Rule::names, "a list becomes a mapping; then merged key by key"},
    {"services.*.networks", Rule::names, "a list becomes a mapping; then merged key by key"},
    {"services.*.sysctls", Rule::list, list_text},
    {"services.*.tmpfs", Rule::list, "appended, unique"},
    {"services.*.ulimits.*", Rule::keep_later, "replaced"},
    {"services.*.volumes.[].volume.labels", Rule::list, list_text},
}};

const PathTable<Rule>& rules() {
  static const PathTable<Rule> table = [] {
    PathTable<Rule> made{};
    for (const RuleRow& row : rows) made.add(row.pattern, row.rule);
    return made;
  }();
  return table;
}

// {K: V} as ["K=V"], sorted by text as Docker Compose does; a scalar becomes a list of one.
Node as_list(Node node) {
  Node list = Node::make_sequence(node.place);
  switch (node.kind) {
    case Kind::null:
      break;
    case Kind::sequence:
      return node;
    case Kind::mapping:
      for (Entry& entry : node.entries) {
        const auto add = [&](const Node& value) {
          std::string text = entry.key;
          if (!value.is_null()) text += "=" + value.scalar_text();
          Node item = Node::make_string(std::move(text), value.place.length > 0 ? value.place : entry.place);
          list.items.push_back(std::move(item));
        };
        if (entry.value.is_sequence()) {
          for (const Node& item : entry.value.items) add(item);
        } else {
          add(entry.value);
        }
      }
      std::ranges::sort(list.items, {}, &Node::text);
      break;
    default:
      list.items.push_back(std::move(node));
  }
  return list;
}

Node as_mapping(Node node, const Node& each) {
  if (!node.is_sequence()) return node;
  Node mapping = Node::make_mapping(node.place);
  for (const Node& item : node.items) {
    Node value = each;
    value.place = item.place;
    mapping.set(item.scalar_text(), std::move(value), item.place);
  }
  return mapping;
}

Node as_build(Node node) {
  if (!node.is_string()) return node;
  const Place place = node.place;
  Node mapping = Node::make_mapping(place);
  mapping.set("context", std::move(node), place);
  return mapping;
}

Node started_dependency() {
  Node value = Node::make_mapping();
  value.set("condition", Node::make_string("service_started"));
  value.set("required", Node::make_boolean(true));
  return value;
}

class Merger {
 public:
  Merger(Path& path, Reporter& reporter, MergeListener* listener)
      : path_(path), reporter_(reporter), listener_(listener) {}

  using Cursor = PathTable<Rule>::Cursor;

  void merge(Node& base, Node& other, Cursor cursor) {
    if (const Rule* rule = cursor.value()) {
      apply(*rule, base, other, cursor);
      return;
    }
    generic(base, other, cursor);
  }

 private:
  void tell(const Node& before, const Node& after) {
    if (listener_) listener_->overridden(path_.dotted(), before, after);
  }

  void take(Node& base, Node& other) {
    tell(base, other);
    base = std::move(other);
  }

  void generic(Node& base, Node& other, Cursor cursor) {
    if (other.is_null()) return;
    if (base.is_mapping()) {
      if (!other.is_mapping()) return refuse(base, other);
      return mappings(base, other, cursor);
    }
    if (base.is_sequence()) {
      if (!other.is_sequence()) return refuse(base, other);
      return append(base, other);
    }
    take(base, other);
  }

  void refuse(const Node& base, const Node& other) {
    Diagnostic& made = reporter_.error("cannot-override", "cannot override " + path_.dotted(), other.place);
    const auto kind = [](const Node& node) {
      return node.is_mapping() ? "a mapping" : node.is_sequence() ? "a list" : "a single value";
    };
    made.label = std::string("this is ") + kind(other);
    made.help = std::string("the earlier file has ") + kind(base) + " here; write the same, or use !override";
    made.related.push_back(reporter_.related(base.place, std::string("this is ") + kind(base)));
  }

  void append(Node& base, Node& other) {
    if (listener_ && !other.items.empty()) listener_->overridden(path_.dotted(), base, other);
    for (Node& item : other.items) base.items.push_back(std::move(item));
  }

  void mappings(Node& base, Node& other, Cursor cursor) {
    base.entries.reserve(base.entries.size() + other.entries.size());
    for (Entry& entry : other.entries) {
      Entry* found = base.entry(entry.key);
      if (!found) {
        base.entries.push_back(std::move(entry));
        continue;
      }
      PathStep step(path_, entry.key);
      const Place place = entry.place;
      const bool replaces = !entry.value.is_null();
      merge(found->value, entry.value, cursor.child(found->key));
      if (replaces) found->place = place;
    }
  }

  static void add_absent(Node& base, Node& list) {
    const auto id = [](const Node& item) {  // for scalars, the value that same_value compares
      return std::to_string(static_cast<int>(item.kind)) + item.scalar_text();
    };
    std::unordered_set<std::string> present;
    for (const Node& item : base.items) present.insert(id(item));
    for (Node& item : list.items) {
      if (!item.is_scalar() || present.insert(id(item)).second) base.items.push_back(std::move(item));
    }
  }

  void apply(Rule rule, Node& base, Node& other, Cursor cursor) {
    switch (rule) {
      case Rule::replace:
        take(base, other);
        return;
      case Rule::keep_later:
        if (!other.is_null()) take(base, other);
        return;
      case Rule::list: {
        base = as_list(std::move(base));
        Node list = as_list(std::move(other));
        append(base, list);
        return;
      }
      case Rule::hosts: {
        base = as_list(std::move(base));
        Node list = as_list(std::move(other));
        add_absent(base, list);
        return;
      }
      case Rule::build:
        base = as_build(std::move(base));
        other = as_build(std::move(other));
        generic(base, other, cursor);
        return;
      case Rule::depends_on:
        base = as_mapping(std::move(base), started_dependency());
        other = as_mapping(std::move(other), started_dependency());
        generic(base, other, cursor);
        return;
      case Rule::names:
        base = as_mapping(std::move(base), Node::make_null());
        other = as_mapping(std::move(other), Node::make_null());
        generic(base, other, cursor);
        return;
      case Rule::logging:
        logging(base, other, cursor);
        return;
      case Rule::pools:
        pools(base, other);
        return;
    }
  }

  void logging(Node& base, Node& other, Cursor cursor) {
    const Node* ours = base.find("driver");
    const Node* theirs = other.find("driver");
    if (!ours || !theirs || same_value(*ours, *theirs)) {
      generic(base, other, cursor);
    } else {
      take(base, other);
    }
  }

  void pools(Node& base, Node& other) {
    if (!base.is_sequence() || !other.is_sequence()) return generic(base, other, {});
    if (base.items.size() * other.items.size() > 100'000) {  // each item is compared with each
      reporter_.error("too-large", path_.dotted() + ": too many pools of addresses to merge", other.place);
      return;
    }
    // As in Docker Compose: an earlier pool is kept only if a later one has its subnet.
    std::vector<Node*> merged;
    const auto find = [&merged](const Node& item) {
      return std::ranges::find_if(merged, [&](const Node* each) { return same_subnet(*each, item); });
    };
    for (Node& earlier : base.items) {
      for (Node& later : other.items) {
        if (!same_subnet(earlier, later) && find(later) == merged.end()) {
          merged.push_back(&later);
          continue;
        }
        Node copy = later;
        generic(earlier, copy, {});
        if (const auto present = find(earlier); present != merged.end()) {
          *present = &earlier;
        } else {
          merged.push_back(&earlier);
        }
      }
    }
    std::vector<Node> pools;
    for (const Node* each : merged) pools.push_back(*each);
    base.items = std::move(pools);
  }

  static bool same_subnet(const Node& a, const Node& b) {
    const Node* mine = a.find("subnet");
    const Node* theirs = b.find("subnet");
    return (!mine && !theirs) || (mine && theirs && same_value(*mine, *theirs));
  }

  Path& path_;
  Reporter& reporter_;
  MergeListener* listener_;
};

}  // namespace

void merge(Node& base, Node override, Path& at, Reporter& reporter, MergeListener* listener) {
  auto cursor = rules().root();
  for (const std::string& segment : at.segments()) cursor = cursor.child(segment);
  Merger(at, reporter, listener).merge(base, override, cursor);
}

std::span<const MergeRule> merge_rules() {
  static const auto table = [] {
    std::array<MergeRule, rows.size()> made{};
    for (std::size_t i = 0; i < rows.size(); ++i) made[i] = MergeRule{rows[i].pattern, rows[i].text};
    return made;
  }();
  return table;
}

}  // namespace consort::compose
