#include "compose/passes/canonical.hpp"

#include <algorithm>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::compose {

namespace {

void string_to_list(Node* node) {
  if (!node || !node->is_string()) return;
  Node list = Node::make_sequence(node->place);
  list.items.push_back(std::move(*node));
  *node = std::move(list);
}

void list_to_mapping(Node* node) {
  if (!node || !node->is_sequence()) return;
  Node mapping = Node::make_mapping(node->place);
  for (Node& item : node->items) mapping.set(item.scalar_text(), Node::make_null(item.place), item.place);
  *node = std::move(mapping);
}

// Turns ["K=V"] into {K: V}. A list with any other item is kept, and reported when it is decoded; `alone` needs no
// value.
void pairs_to_mapping(Node* node, std::string_view alone) {
  if (!node || !node->is_sequence()) return;
  Node mapping = Node::make_mapping(node->place);
  for (const Node& item : node->items) {
    const std::size_t equals = item.is_string() ? item.text.find('=') : std::string::npos;
    const bool named = equals == std::string::npos && !alone.empty() && item.text == alone;
    if (equals == std::string::npos && !named) return;
    Node value = named ? Node::make_null(item.place) : Node::make_string(item.text.substr(equals + 1), item.place);
    mapping.set(item.text.substr(0, equals), std::move(value), item.place);
  }
  *node = std::move(mapping);
}

void wrap_strings(Node* list, std::string_view key) {
  if (!list || !list->is_sequence()) return;
  for (Node& item : list->items) {
    if (!item.is_string()) continue;
    const Place place = item.place;
    Node mapping = Node::make_mapping(place);
    mapping.set(key, std::move(item), place);
    item = std::move(mapping);
  }
}

class Pass {
 public:
  Pass(Node& root, Reporter& reporter, Parsing parsing, std::size_t& ports_left)
      : root_(root), reporter_(reporter), parsing_(parsing), ports_left_(ports_left) {}

  void run() {
    visit_containers(root_, [this](Node& node, const std::string& path) { service(node, path); });
    for (const std::string_view section : {"networks", "volumes", "secrets", "configs"}) external(section);
  }

 private:
  void service(Node& node, const std::string& path) {
    build(node.find("build"), path + ".build");
    ulimits(node.find("ulimits"), path + ".ulimits");
    depends_on(node.find("depends_on"));
    env_file(node.find("env_file"));
    string_to_list(node.find("label_file"));
    list_to_mapping(node.find("networks"));
    list_to_mapping(node.find("models"));
    dns(node.find("dns"));
    wrap_strings(node.find("secrets"), "source");
    wrap_strings(node.find("configs"), "source");
    devices(node.find("devices"), path + ".devices");
    ports(node.find("ports"), path + ".ports");
    volumes(node.find("volumes"), path + ".volumes");
    gpus(node.find("gpus"));
    expose(node.find("expose"), path + ".expose");
    watches(node.find("develop"));
    if (Node* triggers = node.find("triggers")) wrap_strings(triggers->find("schedule"), "cron");
  }

  void build(Node* node, const std::string& path) {
    if (!node) return;
    if (node->is_string()) {
      const Place place = node->place;
      Node mapping = Node::make_mapping(place);
      mapping.set("context", std::move(*node), place);
      *node = std::move(mapping);
    }
    wrap_strings(node->find("secrets"), "source");
    string_to_list(node->find("no_cache_filter"));
    ulimits(node->find("ulimits"), path + ".ulimits");
    pairs_to_mapping(node->find("additional_contexts"), "");
    pairs_to_mapping(node->find("ssh"), "default");
    for (const std::string_view key : {"provenance", "sbom"}) {
      if (Node* value = node->find(key); value && value->is_scalar() && !value->is_string())
        *value = Node::make_string(value->scalar_text(), value->place);
    }
  }

  // Text counts as a number only if interpolation has produced it.
  void ulimits(const Node* node, const std::string& path) {
    if (!node) return;
    for (const Entry& entry : node->entries) {
      if (entry.value.is_mapping() || entry.value.kind == Kind::integer) continue;
      const std::string type = entry.value.is_string() ? "string" : "float64";
      Diagnostic& made = reporter_.error(
          "wrong-type", path + "." + entry.key + ": invalid type " + type + " for external", entry.value.place);
      made.label = "must be a whole number, or {soft: ..., hard: ...}";
      made.help = "write a whole number without quotes";
    }
  }

  // Empty entries, which unset variables produce, are dropped.
  static void dns(Node* node) {
    string_to_list(node);
    if (!node) return;
    std::erase_if(node->items,
                  [](const Node& item) { return item.is_null() || (item.is_string() && item.text.empty()); });
  }

  void depends_on(Node* node) {
    if (!node) return;
    list_to_mapping(node);
    for (Entry& entry : node->entries) {
      if (entry.value.is_null()) {
        Node value = Node::make_mapping(entry.value.place);
        value.set("condition", Node::make_string("service_started", entry.value.place));
        entry.value = std::move(value);
      }
      if (entry.value.is_mapping() && !entry.value.find("required")) {
        entry.value.set("required", Node::make_boolean(true, entry.value.place));
      }
    }
  }

  void env_file(Node* node) {
    if (!node) return;
    string_to_list(node);
    wrap_strings(node, "path");
    for (Node& item : node->items) {
      if (item.is_mapping() && !item.find("required")) item.set("required", Node::make_boolean(true, item.place));
    }
  }

  void devices(Node* node, const std::string& path) {
    if (!node || !node->is_sequence()) return;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      Node& item = node->items[i];
      if (item.is_string()) {
        device(item);
      } else if (item.is_mapping() && !item.find("target") && !told_inside(item)) {
        Diagnostic& made = reporter_.error(
            "missing-key", "service device " + path + "." + std::to_string(i) + " is missing a mount target",
            item.place);
        made.help = "add `target:`, the path inside the container";
      }
    }
  }

  void device(Node& item) {
    std::vector<std::string> parts = split(item.text, ':');
    if (parts.size() > 3) {
      if (parsing_ == Parsing::strict) {
        Diagnostic& made =
            reporter_.error("bad-device", "confusing device mapping, please use long syntax: " + item.text, item.place);
        made.help = "write HOST[:CONTAINER[:PERMISSIONS]] or {source: ..., target: ..., permissions: rwm}";
        return;
      }
      parts = {""};  // Docker Compose's result if it cannot parse it
    }
    Node mapping = Node::make_mapping(item.place);
    const std::string target = parts.size() > 1 ? parts[1] : "";
    mapping.set("source", Node::make_string(parts[0], item.place));
    mapping.set("target", Node::make_string(target.empty() ? parts[0] : target, item.place));
    mapping.set("permissions", Node::make_string(parts.size() > 2 ? parts[2] : "rwm", item.place));
    item = std::move(mapping);
  }

  void ports(Node* node, const std::string& path) {
    if (!node || !node->is_sequence()) return;
    for (const Node& item : node->items) {
      if (item.kind != Kind::floating) continue;
      Diagnostic& made = reporter_.error("wrong-type", path + ": invalid type float64 for port", item.place);
      made.label = "not a port";
      made.help = "ports are whole numbers from 0 to 65535; put \"HOST:CONTAINER\" in quotes";
    }
    const std::size_t reports = reporter_.count();
    const Node as_written = parsing_ == Parsing::lenient ? *node : Node();
    std::vector<Node> made;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      Node& item = node->items[i];
      if (item.is_mapping()) {
        made.push_back(std::move(item));
      } else if (item.is_scalar() && !item.is_null()) {
        for (Node& port : parse_port(item, path + ".[" + std::to_string(i) + "]", reporter_, ports_left_))
          made.push_back(std::move(port));
      }
    }
    node->items = std::move(made);
    if (parsing_ == Parsing::lenient && reporter_.count() > reports) {
      reporter_.rewind(reports);
      *node = as_written;
    }
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const Node& item = node->items[i];
      if (!item.is_mapping() || item.find("target") || told_inside(item)) continue;
      const std::string at = path + ".[" + std::to_string(i) + "]";
      Diagnostic& missing =
          reporter_.error("missing-key", "service ports " + at + " is missing a target port", item.place);
      const bool written_so = item.style != Style::plain;  // not generated from a short form
      missing.help = written_so ? "add `target:`, the port inside the container"
                                : "write the port inside the container, from 1 to 65535: 0 is not a port";
    }
  }

  void volumes(Node* node, const std::string& path) {
    if (!node || !node->is_sequence()) return;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      Node& item = node->items[i];
      const std::size_t errors = reporter_.errors();
      const std::string at = path + ".[" + std::to_string(i) + "]";
      if (item.is_string()) {
        item = parse_mount(item, at, reporter_);
        if (Node* target = item.find("target"); target && target->is_string() && !target->text.empty())
          target->text = clean_path(target->text);
      }
      if (item.is_mapping() && !item.find("target") && reporter_.errors() == errors && !told_inside(item)) {
        Diagnostic& made =
            reporter_.error("missing-key", "service volume " + at + " is missing a mount target", item.place);
        made.help = "add `target:`, the absolute path inside the container";
      }
    }
  }

  // Whether a key of the mapping has an error: it may be a misspelling of the missing one.
  bool told_inside(const Node& item) const {
    if (reporter_.full()) return true;
    return std::ranges::any_of(reporter_.diagnostics(), [&](const Diagnostic& each) {
      return each.code == "unknown-key" && std::ranges::any_of(item.entries, [&](const Entry& entry) {
               const Mark mark = reporter_.sources().mark(entry.place);
               return mark.line == each.mark.line && mark.file == each.mark.file;
             });
    });
  }

  void expose(const Node* node, const std::string& path) {
    if (!node) return;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const Node& item = node->items[i];
      if (item.is_string() || item.kind == Kind::integer) continue;
      reporter_.error("wrong-type", path + ".[" + std::to_string(i) + "]: unsupported expose value", item.place).label =
          "must be a port, for example 8080 or \"8080-8090/udp\"";
    }
  }

  static void watches(Node* develop) {
    Node* watch = develop ? develop->find("watch") : nullptr;
    if (!watch) return;
    for (Node& item : watch->items) {
      string_to_list(item.find("ignore"));
      string_to_list(item.find("include"));
    }
  }

  void gpus(Node* node) {
    if (!node || !node->is_string()) return;
    Node request = Node::make_mapping(node->place);
    request.set("count", Node::make_string("all", node->place));
    Node list = Node::make_sequence(node->place);
    list.items.push_back(std::move(request));
    *node = std::move(list);
  }

  // external: {name: x} is the old form of external: true and name: x.
  void external(std::string_view section) {
    Node* resources = root_.find(section);
    if (!resources || !resources->is_mapping()) return;
    for (Entry& entry : resources->entries) {
      Node* found = entry.value.find("external");
      if (!found || !found->is_mapping()) continue;
      const std::string path = std::string(section) + "." + entry.key;
      const Place place = found->place;
      const Node* inner = found->find("name");
      const Node name = inner ? *inner : Node();
      if (inner) {
        reporter_.warning("deprecated", path + ": external.name is deprecated. Please set name and external: true",
                          inner->place);
        if (const Node* outer = entry.value.find("name"); outer && outer->scalar_text() != name.scalar_text()) {
          reporter_.error("conflict", path + ": name and external.name conflict; only use name", inner->place);
        }
      }
      *found = Node::make_boolean(true, place);
      if (!name.is_null()) entry.value.set("name", name, name.place);
    }
  }

  Node& root_;
  Reporter& reporter_;
  Parsing parsing_;
  std::size_t& ports_left_;
};

void device_defaults(Node* list) {
  if (!list || !list->is_sequence()) return;
  for (Node& item : list->items) {
    if (item.is_mapping() && !item.find("count") && !item.find("device_ids")) {
      item.set("count", Node::make_string("all", item.place));
    }
  }
}

}  // namespace

void canonicalize(Node& root, Reporter& reporter, Parsing parsing, std::size_t& ports_left) {
  Pass(root, reporter, parsing, ports_left).run();
}

void visit_containers(Node& root, const std::function<void(Node& node, const std::string& path)>& visit) {
  for (const std::string section : {"services", "jobs"}) {
    Node* containers = root.find(section);
    if (!containers || !containers->is_mapping()) continue;
    for (Entry& entry : containers->entries) {
      if (!entry.value.is_mapping()) continue;
      const std::string path = section + "." + entry.key;
      visit(entry.value, path);
      Node* hooks = entry.value.find("pre_start");
      if (!hooks || !hooks->is_sequence()) continue;
      for (std::size_t i = 0; i < hooks->items.size(); ++i)
        if (hooks->items[i].is_mapping()) visit(hooks->items[i], path + ".pre_start." + std::to_string(i));
    }
  }
}

void set_defaults(Node& root) {
  visit_containers(root, [](Node& service, const std::string&) {
    if (Node* build = service.find("build"); build && build->is_mapping() && !build->find("context")) {
      build->set("context", Node::make_string(".", build->place));
    }
    if (Node* ports = service.find("ports")) {
      for (Node& item : ports->items) {
        if (!item.is_mapping()) continue;
        if (!item.find("mode")) item.set("mode", Node::make_string("ingress", item.place));
        if (!item.find("protocol")) item.set("protocol", Node::make_string("tcp", item.place));
      }
    }
    if (Node* secrets = service.find("secrets")) {
      for (Node& item : secrets->items) {
        const Node* source = item.find("source");
        if (source && !item.find("target")) {
          item.set("target", Node::make_string("/run/secrets/" + source->scalar_text(), item.place));
        }
      }
    }
    device_defaults(service.find("gpus"));
    Node* deploy = service.find("deploy");
    Node* resources = deploy ? deploy->find("resources") : nullptr;
    Node* reservations = resources ? resources->find("reservations") : nullptr;
    if (reservations) device_defaults(reservations->find("devices"));
  });
}

}  // namespace consort::compose
