#include <algorithm>
#include <utility>

#include "base/time.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/model/codec.hpp"
#include "compose/model/fields.hpp"
#include "compose/passes/merge.hpp"

namespace consort::compose {

namespace {

class Encoder {
 public:
  Encoder(Node& into, Syntax syntax) : into_(into), syntax_(syntax) {}

  template <class T>
  void field(std::string_view key, const T& member, Form form = Form::normal) {
    const bool json = syntax_ == Syntax::json;
    const bool command = form == Form::shell && json;
    const bool keep = form == Form::always || form == Form::rate || (form == Form::json_always && json) || command;
    if (!keep && is_zero(member)) return;
    into_.entries.push_back(Entry{std::string(key), {}, write(member, form)});
  }

  void extensions(const Extensions& values) {
    if (syntax_ == Syntax::json) return;
    for (const auto& [key, value] : values) into_.entries.push_back(Entry{key, {}, value});
  }

  template <class T>
  static Node object(const T& value, Syntax syntax) {
    Node node = Node::make_mapping();
    Encoder inner(node, syntax);
    fields(inner, value);
    if constexpr (std::is_same_v<T, FileObject>) {
      if (!value.environment.empty()) node.erase("content");  // never a resolved value
    }
    return node;
  }

  // Free maps: natural order in YAML, byte order in JSON.
  template <class Map, class Write>
  static Node free_map(const Map& map, Syntax syntax, Write write_value) {
    Node node = Node::make_mapping();
    node.entries.reserve(map.size());
    for (const auto& [key, value] : map) node.entries.push_back(Entry{key, {}, write_value(value)});
    if (syntax == Syntax::yaml) {
      node.entries.stable_sort([](const Entry& a, const Entry& b) { return natural_less(a.key, b.key); });
    }
    return node;
  }

 private:
  static bool is_zero(const std::string& value) { return value.empty(); }
  static bool is_zero(bool value) { return !value; }
  static bool is_zero(DependencyCondition) { return false; }
  static bool is_zero(MountType) { return false; }
  static bool is_zero(Duration value) { return value.count() == 0; }
  template <class T>
  requires std::is_arithmetic_v<T>
  static bool is_zero(T value) { return value == 0; }
  template <class T>
  static bool is_zero(const std::optional<T>& value) {
    return !value.has_value();
  }
  template <class T>
  static bool is_zero(const Boxed<T>& value) {
    return !value;
  }
  template <class T>
  static bool is_zero(const std::vector<T>& value) {
    return value.empty();
  }
  template <class K, class T>
  static bool is_zero(const std::map<K, T>& value) {
    return value.empty();
  }
  static bool is_zero(const Resources& value) {
    return !value.limits && !value.reservations && value.extensions.empty();
  }
  static bool is_zero(const Placement& value) {
    return value.constraints.empty() && value.preferences.empty() && value.max_replicas_per_node == 0 &&
           value.extensions.empty();
  }
  static bool is_zero(const Ipam& value) {
    return value.driver.empty() && value.config.empty() && value.options.empty() && value.extensions.empty();
  }
  static bool is_zero(const Hook& value) {
    return !value.command && value.user.empty() && !value.privileged && value.working_dir.empty() &&
           value.environment.empty() && value.extensions.empty();
  }

  Node write(const std::string& value, Form) { return Node::make_string(value); }
  Node write(bool value, Form) { return Node::make_boolean(value); }
  template <class T>
  requires std::is_integral_v<T> Node write(T value, Form form) {
    if (form == Form::size || form == Form::rate || form == Form::text_number)
      return Node::make_string(std::to_string(value));
    if (form == Form::octal) return octal(value);
    return Node::make_integer(static_cast<std::int64_t>(value));
  }
  static Node octal(std::uint64_t value) {
    std::string digits;
    for (; value > 0; value /= 8) digits.insert(digits.begin(), static_cast<char>('0' + value % 8));
    return Node::make_string("0" + digits);
  }
  Node write(double value, Form form) {
    return write(static_cast<float>(value), form);  // with the precision that Docker Compose prints
  }
  Node write(float value, Form) {
    Node node = Node::make_floating(static_cast<double>(value));
    node.text = syntax_ == Syntax::json ? format_json_float32(value) : format_float32(value);
    return node;
  }
  Node write(Duration value, Form) { return Node::make_string(format_duration(value)); }
  Node write(DependencyCondition value, Form) {
    switch (value) {
      case DependencyCondition::started:
        return Node::make_string("service_started");
      case DependencyCondition::healthy:
        return Node::make_string("service_healthy");
      case DependencyCondition::completed_successfully:
        break;
    }
    return Node::make_string("service_completed_successfully");
  }
  Node write(MountType value, Form) {
    static constexpr const char* names[]{"bind", "volume", "tmpfs", "image", "npipe", "cluster"};
    return Node::make_string(names[static_cast<int>(value)]);
  }
  template <class T>
  Node write(const std::optional<T>& value, Form form) {
    return value ? write(*value, form) : Node::make_null();
  }
  template <class T>
  Node write(const Boxed<T>& value, Form form) {
    return value ? write(*value, form) : Node::make_null();
  }
  Node write(const Strings& values, Form) {
    Node node = Node::make_sequence();
    for (const std::string& each : values) node.items.push_back(Node::make_string(each));
    return node;
  }
  Node write(const std::vector<SshKey>& values, Form) {
    Node node = Node::make_sequence();
    for (const SshKey& each : values) {
      node.items.push_back(Node::make_string(each.path.empty() ? each.id : each.id + ": " + each.path));
    }
    return node;
  }
  Node write(const std::vector<GenericResource>& values, Form) {
    Node node = Node::make_sequence();
    for (const GenericResource& each : values) {
      Node spec = Node::make_mapping();
      if (!each.kind.empty()) spec.set("kind", Node::make_string(each.kind));
      spec.set("value", Node::make_integer(each.value));
      Node item = Node::make_mapping();
      item.set("discrete_resource_spec", std::move(spec));
      node.items.push_back(std::move(item));
    }
    return node;
  }
  // Two types of Docker Compose have no JSON names, so their field names are printed.
  Node write(const std::vector<WeightDevice>& values, Form) { return devices(values); }
  Node write(const std::vector<ThrottleDevice>& values, Form) { return devices(values); }
  template <class T>
  Node devices(const std::vector<T>& values) {
    Node node = Node::make_sequence();
    for (const T& each : values) {
      Node item = object(each, syntax_);
      if (syntax_ == Syntax::json) {
        for (Entry& entry : item.entries) entry.key[0] = static_cast<char>(entry.key[0] - 'a' + 'A');
      }
      node.items.push_back(std::move(item));
    }
    return node;
  }
  // Only the hash uses these: all other output shows the files' text.
  Node write(const std::vector<EnvFile>& files, Form) {
    Node node = Node::make_sequence();
    for (const EnvFile& file : files)
      node.items.push_back(file.required ? Node::make_string(file.path) : object(file, syntax_));
    return node;
  }
  template <class T>
  Node write(const std::vector<T>& values, Form) {
    Node node = Node::make_sequence();
    for (const T& each : values) node.items.push_back(object(each, syntax_));
    return node;
  }
  Node write(const StringMap& values, Form) {
    return free_map(values, syntax_, [](const std::string& value) { return Node::make_string(value); });
  }
  Node write(const OptionalStringMap& values, Form) {
    return free_map(values, syntax_, [](const std::optional<std::string>& value) {
      return value ? Node::make_string(*value) : Node::make_null();
    });
  }
  Node write_hosts(const HostsList& hosts) {
    Node node = Node::make_sequence();
    for (const auto& [host, addresses] : hosts) {
      for (const std::string& each : addresses) node.items.push_back(Node::make_string(host + "=" + each));
    }
    std::ranges::sort(node.items, {}, &Node::text);
    return node;
  }
  Node write(const std::map<std::string, Strings>& values, Form form) {
    if (form == Form::hosts) return write_hosts(values);
    return free_map(values, syntax_, [this](const Strings& each) { return write(each, Form::normal); });
  }
  Node write(const Ulimits& values, Form) {
    return free_map(values, syntax_, [this](const Ulimit& value) {
      if (value.single && value.soft != 0) return Node::make_integer(value.soft);
      const bool all = syntax_ == Syntax::yaml;
      Node node = Node::make_mapping();
      if (all || value.soft != 0) node.set("soft", Node::make_integer(value.soft));
      if (all || value.hard != 0) node.set("hard", Node::make_integer(value.hard));
      return node;
    });
  }
  template <class T>
  Node write(const std::map<std::string, T>& values, Form) {
    return free_map(values, syntax_, [this](const T& value) {
      if constexpr (requires { value.given; }) {
        if (!value.given) return Node::make_null();
      }
      return object(value, syntax_);
    });
  }
  template <class T>
  requires std::is_class_v<T> Node write(const T& value, Form) { return object(value, syntax_); }

  Node& into_;
  Syntax syntax_;
};

template <class Map>
void add_section(Node& root, std::string_view name, const Map& map, Syntax syntax) {
  if (map.empty()) return;
  Node section = Encoder::free_map(map, syntax, [syntax](const auto& each) { return Encoder::object(each, syntax); });
  root.entries.push_back(Entry{std::string(name), {}, std::move(section)});
}

void sort_extensions(Node& node, Syntax syntax) {
  for (Node& item : node.items) sort_extensions(item, syntax);
  for (Entry& entry : node.entries) {
    if (entry.key.starts_with("x-")) {
      sort_keys(entry.value, syntax);
      if (syntax == Syntax::json) empty_lists_to_null(entry.value);
    } else {
      sort_extensions(entry.value, syntax);
    }
  }
}

}  // namespace

void sort_keys(Node& node, Syntax syntax) {
  for (Node& item : node.items) sort_keys(item, syntax);
  for (Entry& entry : node.entries) sort_keys(entry.value, syntax);
  node.entries.stable_sort([syntax](const Entry& a, const Entry& b) {
    return syntax == Syntax::yaml ? natural_less(a.key, b.key) : a.key < b.key;
  });
}

Node encode_service(const Service& service, Syntax syntax) {
  return Encoder::object(service, syntax);
}

Node encode_project(const Project& project, Syntax syntax) {
  Node root = Node::make_mapping();
  if (syntax == Syntax::json || !project.name.empty()) root.set("name", Node::make_string(project.name));
  if (project.services.empty()) {
    root.set("services", Node::make_mapping());
  } else {
    add_section(root, "services", project.services, syntax);
  }
  add_section(root, "jobs", project.jobs, syntax);
  add_section(root, "networks", project.networks, syntax);
  add_section(root, "volumes", project.volumes, syntax);
  add_section(root, "secrets", project.secrets, syntax);
  add_section(root, "configs", project.configs, syntax);
  if (syntax == Syntax::yaml) add_section(root, "models", project.models, syntax);
  for (const auto& [key, value] : project.extensions) root.entries.push_back(Entry{key, {}, value});
  sort_extensions(root, syntax);
  if (syntax == Syntax::json) root.entries.stable_sort([](const Entry& a, const Entry& b) { return a.key < b.key; });
  return root;
}

}  // namespace consort::compose
