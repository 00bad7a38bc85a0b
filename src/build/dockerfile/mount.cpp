#include "build/dockerfile/mount.hpp"

#include <array>
#include <vector>

#include "base/go_bool.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/suggest.hpp"

namespace consort::build {
namespace {

std::unexpected<Error> wrong(std::string why) {
  return fail(Error(Code::invalid).why(std::move(why)));
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto near = suggestion(word, known);
  return near ? " (did you mean " + *near + "?)" : "";
}

std::optional<std::uint32_t> parse_number(std::string_view text, unsigned base) {
  std::uint64_t value = 0;
  if (text.empty()) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c >= static_cast<char>('0' + base)) return std::nullopt;
    value = value * base + static_cast<unsigned>(c - '0');
    if (value > UINT32_MAX) return std::nullopt;
  }
  return static_cast<std::uint32_t>(value);
}

std::string type_name(RunMount::Type type) {
  constexpr std::array names{"bind", "cache", "tmpfs", "secret", "ssh"};
  return names[static_cast<std::size_t>(type)];
}

Result<RunMount::Type> parse_type(const std::string& value) {
  const std::vector<std::string> names{"bind", "cache", "tmpfs", "secret", "ssh"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (to_lower(value) == names[i]) return static_cast<RunMount::Type>(i);
  return wrong("unsupported mount type \"" + value + "\"" + did_you_mean(value, names));
}

Result<RunMount::Sharing> parse_sharing(const std::string& value) {
  const std::vector<std::string> names{"shared", "private", "locked"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (to_lower(value) == names[i]) return static_cast<RunMount::Sharing>(i);
  return wrong("unsupported sharing value \"" + value + "\"" + did_you_mean(value, names));
}

enum class Writable : std::uint8_t { by_type, chosen };

Result<> apply(RunMount& mount, Writable& writable, const std::string& field, const std::string& key, bool has_value,
               const std::string& value) {
  const bool confidential = mount.type == RunMount::Type::secret || mount.type == RunMount::Type::ssh;
  const auto boolean = [&]() -> Result<bool> {
    if (!has_value) return true;
    if (const auto parsed = parse_go_bool(value)) return *parsed;
    return wrong("invalid value for " + key + ": " + value);
  };
  const auto unexpected = [&] {
    return wrong("unexpected key '" + key + "' for mount type '" + type_name(mount.type) + "'");
  };
  if (key == "readonly" || key == "ro") {
    mount.read_only = TRY(boolean());
    writable = Writable::chosen;
    return {};
  }
  if (key == "readwrite" || key == "rw") {
    mount.read_only = !TRY(boolean());
    writable = Writable::chosen;
    return {};
  }
  if (key == "required") {
    if (!confidential) return unexpected();
    mount.required = TRY(boolean());
    return {};
  }
  if (!has_value) return wrong("invalid field '" + field + "' must be a key=value pair");
  if (key == "type") {
    mount.type = TRY(parse_type(value));
  } else if (key == "from") {
    mount.from = value;
  } else if (key == "source" || key == "src") {
    mount.source = value;
  } else if (key == "target" || key == "dst" || key == "destination") {
    mount.target = value;
  } else if (key == "size") {
    if (mount.type != RunMount::Type::tmpfs) return unexpected();
    const auto size = parse_size(value);
    if (!size) return wrong("invalid value for " + key + ": " + value);
    mount.size_bytes = static_cast<std::uint64_t>(*size);
  } else if (key == "id") {
    mount.id = value;
  } else if (key == "env") {
    if (mount.type != RunMount::Type::secret) return unexpected();
    mount.environment = value;
  } else if (key == "sharing") {
    if (mount.type != RunMount::Type::cache)
      return wrong("invalid cache sharing set for " + type_name(mount.type) + " mount");
    mount.sharing = TRY(parse_sharing(value));
  } else if (key == "mode" || key == "uid" || key == "gid") {
    const auto number = parse_number(value, key == "mode" ? 8 : 10);
    if (!number) return wrong("invalid value " + value + " for " + key);
    (key == "mode" ? mount.mode : key == "uid" ? mount.uid : mount.gid) = number;
  } else {
    return wrong(
        "unexpected key '" + key + "' in '" + field + "'" +
        did_you_mean(key, {"type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode",
                           "uid", "gid", "src", "dst", "destination", "ro", "rw", "readwrite", "env"}));
  }
  return {};
}

Result<> validate(RunMount& mount, Writable writable) {
  const bool owned = mount.type != RunMount::Type::bind && mount.type != RunMount::Type::tmpfs;
  if (!owned) {
    const std::string type = "\"" + type_name(mount.type) + "\" type mounts";
    if (mount.mode) return wrong("mode not allowed for " + type);
    if (mount.uid) return wrong("uid not allowed for " + type);
    if (mount.gid) return wrong("gid not allowed for " + type);
  }
  if (writable == Writable::by_type)
    mount.read_only = mount.type != RunMount::Type::cache && mount.type != RunMount::Type::tmpfs;
  if (mount.type == RunMount::Type::secret) {
    if (!mount.from.empty()) return wrong("secret mount should not have a from");
    if (mount.source.empty() && mount.target.empty() && mount.id.empty())
      return wrong("invalid secret mount. one of source, target required");
    if (!mount.source.empty() && !mount.id.empty()) return wrong("both source and id can't be set");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> split_csv(std::string_view text) {
  std::vector<std::string> fields;
  std::size_t pos = 0;
  while (pos <= text.size()) {
    std::string field;
    if (pos < text.size() && text[pos] == '"') {
      for (++pos; pos < text.size(); ++pos) {
        if (text[pos] != '"') {
          field += text[pos];
        } else if (pos + 1 < text.size() && text[pos + 1] == '"') {
          field += text[++pos];
        } else {
          break;
        }
      }
      if (pos >= text.size()) return wrong("failed to parse csv mounts: extraneous or missing \" in quoted-field");
      ++pos;
      if (pos < text.size() && text[pos] != ',')
        return wrong("failed to parse csv mounts: extraneous or missing \" in quoted-field");
    } else {
      while (pos < text.size() && text[pos] != ',') field += text[pos++];
    }
    fields.push_back(std::move(field));
    ++pos;
  }
  return fields;
}

Result<RunMount> parse_mount(std::string_view text, const Expand& expander) {
  RunMount mount;
  auto writable = Writable::by_type;
  for (const auto& field : TRY(split_csv(text))) {
    const auto equals = field.find('=');
    const std::string key = to_lower(field.substr(0, equals));
    const bool has_value = equals != std::string::npos;
    std::string value = has_value ? field.substr(equals + 1) : "";
    if (has_value && key != "from") value = TRY(expander(value));
    TRY(apply(mount, writable, field, key, has_value, value));
  }
  TRY(validate(mount, writable));
  return mount;
}

Result<std::string> mount_source(std::string_view text) {
  std::string from;
  std::string type = "bind";
  for (const auto& field : TRY(split_csv(text))) {
    const auto equals = field.find('=');
    const std::string key = to_lower(field.substr(0, equals));
    if (equals == std::string::npos) continue;
    if (key == "type") type = to_lower(field.substr(equals + 1));
    if (key != "from") continue;
    from = field.substr(equals + 1);
    const auto dollar = from.find('$');
    if (dollar != std::string::npos && dollar + 1 < from.size())
      return wrong("'from' doesn't support variable expansion, define alias stage instead");
  }
  return type == "tmpfs" ? std::string() : from;
}

}  // namespace consort::build
