#include <cmath>
#include <utility>

#include "base/narrow.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/model/codec.hpp"
#include "compose/model/fields.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/suggest.hpp"

namespace consort::compose {

namespace {

std::int64_t as_integer(const Node& node) {
  if (node.kind == Kind::integer) return node.integer;
  if (node.kind == Kind::floating) {
    return std::abs(node.floating) < 9e18 ? static_cast<std::int64_t>(node.floating) : 0;
  }
  return parse_go_int(node.text).value_or(0);
}

double as_double(const Node& node) {
  if (node.kind == Kind::integer) return static_cast<double>(node.integer);
  if (node.kind == Kind::floating) return node.floating;
  return parse_go_float(node.text).value_or(0);
}

// The path to the value being decoded, for messages: "services[web].mem_limit".
class Decoder {
 public:
  Decoder(const Node& node, Path& path, Reporter& reporter) : node_(node), path_(path), reporter_(reporter) {}

  template <class T>
  void field(std::string_view key, T& member, Form form = Form::normal) {
    const Entry* entry = node_.entry(key);
    if (!entry) return;
    PathStep step(path_, key);
    read(entry->value, member, form);
  }

  void extensions(Extensions& into) {
    for (const Entry& entry : node_.entries) {
      if (entry.key.starts_with("x-")) into.emplace(entry.key, entry.value);
    }
  }

 private:
  // Extra help to give for a value that cannot be parsed.
  enum class Help : std::uint8_t { none, missing_unit, duration, size, number, additional_host, host_name, command };

  void fail(const Node& node, const std::string& why, Help help = Help::none) {
    std::string path = path_.size() > 1 ? path_[0] + "[" + path_[1] + "]" : "";
    for (std::size_t i = 2; i < path_.size(); ++i) path += "." + path_[i];
    Diagnostic& made = reporter_.error(
        "bad-value", "decoding failed due to the following error(s):\n\n'" + path + "' " + why, node.place);
    made.label = why;
    advise(made, node, help);
  }

  void advise(Diagnostic& made, const Node& node, Help help) {
    switch (help) {
      case Help::none:
        return;
      case Help::missing_unit:
        made.help = "add a unit: `" + node.text + "s` for seconds, or ms, m, h";
        return offer(made, node, node.text + "s", Certainty::guess);
      case Help::duration:
        made.help = "a duration is written like 30s, 1m30s, 500ms or 2h";
        return write_instead(made, node, better_duration(node.text));
      case Help::size:
        made.help = "a size is written like 512m, 1.5g or 64k (b, k, m, g, t)";
        return write_instead(made, node, better_size(node.text));
      case Help::number:
        made.help = "write a number, for example 0.5";
        return write_instead(made, node, better_number(node.text));
      case Help::additional_host:
        made.help = "write HOST=ADDRESS, for example " + node.text.substr(0, node.text.find(' ')) +
                    "=192.168.1.10, or =host-gateway for this machine";
        return;
      case Help::host_name:
        made.help = "write HOST=ADDRESS";
        return;
      case Help::command:
        made.help = "quote the special characters, or write a list: [\"sh\", \"-c\", \"...\"]";
        return;
    }
  }

  void offer(Diagnostic& made, const Node& node, const std::string& right, Certainty certainty) {
    const bool plain = node.style == Style::plain;
    made.fixes.push_back(
        Fix{"write `" + right + "`", certainty, {reporter_.edit(node.place, plain ? right : "\"" + right + "\"")}});
  }
  void write_instead(Diagnostic& made, const Node& node, const std::optional<std::string>& right) {
    if (!right) return;
    made.help = "write `" + *right + "`" + (made.help.starts_with("write") ? "" : "\n" + made.help);
    offer(made, node, *right, Certainty::certain);
  }

  template <class T>
  void object(const Node& node, T& into) {
    if (!node.is_mapping()) return;
    Decoder inner(node, path_, reporter_);
    fields(inner, into);
  }

  // Scalars.
  void read(const Node& node, std::string& into, Form) {
    if (node.kind == Kind::floating || node.kind == Kind::boolean) return refuse(node, "string");
    if (node.is_scalar()) into = node.scalar_text();
  }
  void refuse(const Node& node, const std::string& wanted) {
    const std::string found = node.is_string()              ? "string"
                              : node.kind == Kind::floating ? "float64"
                              : node.kind == Kind::boolean  ? "bool"
                                                            : "int";
    fail(node, "expected type '" + wanted + "', got unconvertible type '" + found + "'");
  }
  // Numbers that cannot be negative; text counts only if interpolation has produced it.
  bool is_unsigned(const Node& node, const std::string& wanted) {
    if (node.is_string()) {
      refuse(node, wanted);
    } else if (as_integer(node) < 0) {
      fail(node, "cannot parse value as '" + wanted + "': " + node.scalar_text() + " overflows uint");
    } else {
      return true;
    }
    return false;
  }
  void read(const Node& node, bool& into, Form) {
    if (node.kind == Kind::boolean) into = node.boolean;
    if (!node.is_string()) return;
    const std::string word = to_lower(node.text);
    into = word == "true" || word == "yes" || word == "y" || word == "on";
    const bool no = word == "false" || word == "no" || word == "n" || word == "off";
    if (!into && !no) fail(node, "invalid boolean: " + node.text);
  }
  void read(const Node& node, std::int64_t& into, Form form) {
    if (form == Form::size || form == Form::rate) return read_size(node, into);
    into = as_integer(node);
  }
  void read_size(const Node& node, std::int64_t& into) {
    if (node.kind == Kind::integer) {
      into = node.integer;
    } else if (node.is_string()) {
      const Result<std::int64_t> size = parse_size(node.text);
      if (!size) return fail(node, size.error().message(), Help::size);
      into = *size;
    }
  }
  void read(const Node& node, std::uint64_t& into, Form) {
    if (is_unsigned(node, "uint64")) into = static_cast<std::uint64_t>(as_integer(node));
  }
  template <class Integer>
  void fit(const Node& node, std::int64_t value, const std::string& wanted, Integer& into) {
    const auto fits = fitting<Integer>(value);
    if (!fits)
      return fail(node, "cannot parse value as '" + wanted + "': " + node.scalar_text() + " overflows " + wanted);
    into = *fits;
  }
  void read(const Node& node, int& into, Form) { fit(node, as_integer(node), "int", into); }
  void read(const Node& node, std::uint32_t& into, Form form) {
    if (form == Form::octal && node.is_string()) {
      const auto value = parse_go_int("0o" + node.text);
      if (!value) return fail(node, "invalid file mode: " + node.text);
      return fit(node, *value, "uint32", into);
    }
    if (form == Form::octal && node.kind == Kind::floating) {
      return fail(node, "unexpected value type float64 for mode");
    }
    if (form == Form::octal || is_unsigned(node, "uint32")) fit(node, as_integer(node), "uint32", into);
  }
  void read(const Node& node, std::uint16_t& into, Form) {
    if (is_unsigned(node, "uint16")) fit(node, as_integer(node), "uint16", into);
  }
  void read(const Node& node, float& into, Form) {
    if (node.is_string() && !parse_go_float(node.text)) return fail(node, "invalid number: " + node.text, Help::number);
    into = static_cast<float>(as_double(node));
  }
  void read(const Node& node, double& into, Form) {
    if (node.is_string() && !parse_go_float(node.text)) return fail(node, "invalid number: " + node.text, Help::number);
    into = as_double(node);
  }
  void read(const Node& node, Duration& into, Form) {
    if (!node.is_string()) return;
    if (const auto value = parse_duration(node.text)) {
      into = *value;
    } else {
      const bool number = parse_go_float(node.text).has_value();
      if (number) return fail(node, "time: missing unit in duration \"" + node.text + "\"", Help::missing_unit);
      fail(node, "time: invalid duration \"" + node.text + "\"", Help::duration);
    }
  }
  void read(const Node& node, DependencyCondition& into, Form) {
    if (node.text == "service_healthy") into = DependencyCondition::healthy;
    if (node.text == "service_completed_successfully") into = DependencyCondition::completed_successfully;
  }
  void read(const Node& node, MountType& into, Form) {
    static constexpr std::pair<std::string_view, MountType> names[]{
        {"bind", MountType::bind},   {"volume", MountType::volume}, {"tmpfs", MountType::tmpfs},
        {"image", MountType::image}, {"npipe", MountType::npipe},   {"cluster", MountType::cluster}};
    into = MountType::bind;  // the type has already been rejected by validation
    for (const auto& [name, value] : names) {
      if (node.text == name) into = value;
    }
  }

  // Optionals: set unless null.
  template <class T>
  void read(const Node& node, std::optional<T>& into, Form form) {
    if (node.is_null()) return;
    T value{};
    read(node, value, form);
    into = std::move(value);
  }
  template <class T>
  void read(const Node& node, Boxed<T>& into, Form form) {
    if (!node.is_null()) read(node, into.emplace(), form);
  }
  void read(const Node& node, std::optional<std::int64_t>& into, Form) {
    if (node.is_null()) return;
    if (node.kind == Kind::floating) {
      fail(node, "invalid type float64 for device count");
    } else if (node.is_string() && to_lower(node.text) == "all") {
      into = -1;
    } else if (node.is_string() && !parse_decimal_int(node.text)) {
      fail(node, "invalid value \"" + node.text + "\", the only value allowed is 'all' or a number");
    } else {
      into = as_integer(node);
    }
  }

  // Lists.
  void read(const Node& node, Strings& into, Form form) {
    if (node.is_null()) return;
    if (node.is_scalar()) {
      if (form == Form::shell) return read_command(node, into);
      if (form == Form::health_test) {
        into = {"CMD-SHELL", node.scalar_text()};
      } else {
        into = {node.scalar_text()};
      }
      return;
    }
    for (const Node& item : node.items) {
      if (item.kind == Kind::floating && form == Form::texts) {
        refuse(item, "string");
      } else if (item.is_scalar()) {
        into.push_back(item.scalar_text());
      }
    }
  }
  void read_command(const Node& node, Strings& into) {
    if (auto words = split_command(node.text)) {
      into = std::move(*words);
    } else {
      fail(node, "invalid command line string", Help::command);
    }
  }
  void read(const Node& node, std::vector<SshKey>& into, Form) {
    const auto add = [&](const Node& at, std::string id, std::string path) {
      if (path.empty() && id != "default") return fail(at, "invalid ssh key \"" + id + "\"");
      into.push_back(SshKey{std::move(id), std::move(path)});
    };
    for (const Node& item : node.items) {
      const std::size_t equals = item.text.find('=');
      add(item, item.text.substr(0, equals), equals == std::string::npos ? "" : item.text.substr(equals + 1));
    }
    for (const Entry& entry : node.entries) add(entry.value, entry.key, entry.value.scalar_text());
  }
  void read(const Node& node, std::vector<GenericResource>& into, Form) {
    for (const Node& item : node.items) {
      const Node* spec = item.find("discrete_resource_spec");
      GenericResource made;
      if (spec) {
        if (const Node* kind = spec->find("kind")) made.kind = kind->scalar_text();
        if (const Node* value = spec->find("value")) made.value = as_integer(*value);
      }
      into.push_back(std::move(made));
    }
  }
  template <class T>
  void read(const Node& node, std::vector<T>& into, Form) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      PathStep step(path_, std::to_string(i));
      T value{};
      object(node.items[i], value);
      into.push_back(std::move(value));
    }
  }

  // Maps.
  void read(const Node& node, StringMap& into, Form form) {
    for (const Node& item : node.items) {
      const std::string text = item.scalar_text();
      const std::size_t equals = text.find('=');
      into[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
    }
    for (const Entry& entry : node.entries) {
      if (form == Form::texts && (entry.value.kind == Kind::floating || entry.value.kind == Kind::boolean)) {
        refuse(entry.value, "string");
      } else if (entry.value.is_scalar()) {
        into[entry.key] = entry.value.scalar_text();
      }
    }
  }
  void read(const Node& node, OptionalStringMap& into, Form) {
    for (const Node& item : node.items) {
      const std::string text = item.scalar_text();
      const std::size_t equals = text.find('=');
      const std::string key = text.substr(0, equals);
      if (key.ends_with(' ') && equals != std::string::npos) {
        fail(item, "environment variable " + key + " is declared with a trailing space");
        continue;
      }
      into[key] = equals == std::string::npos ? std::nullopt : std::optional(text.substr(equals + 1));
    }
    for (const Entry& entry : node.entries) {
      if (!entry.value.is_scalar()) continue;
      into[entry.key] = entry.value.is_null() ? std::nullopt : std::optional(entry.value.scalar_text());
    }
  }
  void read_hosts(const Node& node, HostsList& into) {
    const auto add = [&](const Node& at, std::string_view host, std::string_view address) {
      if (host.empty() || host.find_first_of(":=") != std::string_view::npos)
        return fail(at, "bad host name '" + std::string(host) + "'", Help::host_name);
      if (address.size() > 2 && address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
      into[std::string(host)].emplace_back(address);
    };
    for (const Node& item : node.items) {
      const std::string& text = item.text;
      std::size_t at = text.find('=');
      if (at == std::string::npos) at = text.find(':');
      if (at == std::string::npos) {
        fail(item, "invalid additional host, missing IP: " + text, Help::additional_host);
        continue;
      }
      for (const std::string& address : split(text.substr(at + 1), ','))
        add(item, std::string_view(text).substr(0, at), address);
    }
    for (const Entry& entry : node.entries) {
      if (entry.value.is_sequence()) {
        for (const Node& item : entry.value.items) add(item, entry.key, item.scalar_text());
      } else if (entry.value.is_string() || entry.value.is_null()) {
        add(entry.value, entry.key, entry.value.text);
      } else {
        fail(entry.value, "unexpected value type for extra_hosts entry");
      }
    }
  }
  void read(const Node& node, std::map<std::string, Strings>& into, Form form) {
    if (form == Form::hosts) return read_hosts(node, into);
    for (const Entry& entry : node.entries) read(entry.value, into[entry.key], Form::one_or_many);
  }
  void read(const Node& node, Ulimits& into, Form) {
    for (const Entry& entry : node.entries) {
      Ulimit value;
      if (entry.value.is_mapping()) {
        if (const Node* soft = entry.value.find("soft")) value.soft = as_integer(*soft);
        if (const Node* hard = entry.value.find("hard")) value.hard = as_integer(*hard);
      } else {
        value.soft = value.hard = as_integer(entry.value);
        value.single = true;
      }
      into[entry.key] = value;
    }
  }
  template <class T>
  void read(const Node& node, std::map<std::string, T>& into, Form) {
    for (const Entry& entry : node.entries) {
      PathStep step(path_, entry.key);
      T value{};
      if constexpr (requires { value.given; }) value.given = entry.value.is_mapping();
      object(entry.value, value);
      into[entry.key] = std::move(value);
    }
  }
  template <class T>
  requires std::is_class_v<T>
  void read(const Node& node, T& into, Form) { object(node, into); }

  const Node& node_;
  Path& path_;
  Reporter& reporter_;
};

template <class T>
void decode_section(const Node& tree, std::string_view section, std::map<std::string, T>& into, Reporter& reporter) {
  const Node* found = tree.find(section);
  if (!found || !found->is_mapping()) return;
  Path path;
  path.push(section);
  for (const Entry& entry : found->entries) {
    PathStep step(path, entry.key);
    T value{};
    Decoder decoder(entry.value, path, reporter);
    fields(decoder, value);
    value.mark = reporter.sources().mark(entry.place);
    if constexpr (requires { value.profiles; }) value.name = entry.key;
    into.emplace(entry.key, std::move(value));
  }
}

}  // namespace

void decode_project(const Node& tree, Project& project, Reporter& reporter) {
  decode_section(tree, "services", project.services, reporter);
  decode_section(tree, "jobs", project.jobs, reporter);
  decode_section(tree, "networks", project.networks, reporter);
  decode_section(tree, "volumes", project.volumes, reporter);
  decode_section(tree, "secrets", project.secrets, reporter);
  for (auto& [name, secret] : project.secrets) {
    const auto value = secret.extensions.extract(std::string(secret_value_key));
    if (value) secret.content = value.mapped().text;
  }
  decode_section(tree, "configs", project.configs, reporter);
  decode_section(tree, "models", project.models, reporter);
  for (const Entry& entry : tree.entries) {
    if (entry.key.starts_with("x-")) project.extensions.emplace(entry.key, entry.value);
  }
}

}  // namespace consort::compose
