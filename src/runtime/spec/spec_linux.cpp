// config.json to Spec: the object "linux".
#include <sys/personality.h>

#include <array>

#include "base/json.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime::internal {

namespace {

struct NamedKind {
  std::string_view name;
  NamespaceKind kind;
};
constexpr std::array<NamedKind, 8> namespace_names = {{{"mount", NamespaceKind::mount},
                                                       {"pid", NamespaceKind::pid},
                                                       {"network", NamespaceKind::network},
                                                       {"ipc", NamespaceKind::ipc},
                                                       {"uts", NamespaceKind::uts},
                                                       {"cgroup", NamespaceKind::cgroup},
                                                       {"user", NamespaceKind::user},
                                                       {"time", NamespaceKind::time}}};

Result<> parse_namespaces(const Json& object, Linux& into) {
  for (const Json* entry : TRY(entries_of(object, "namespaces", "linux.namespaces"))) {
    const std::string type = get_string(*entry, "type");
    const NamedKind* found = nullptr;
    for (const NamedKind& candidate : namespace_names)
      if (candidate.name == type) found = &candidate;
    if (!found) return malformed("linux.namespaces", "unknown type \"" + type + "\"");
    for (const Namespace& other : into.namespaces)
      if (other.kind == found->kind) return malformed("linux.namespaces", "\"" + type + "\" appears twice");
    std::string path = get_string(*entry, "path");
    if (!path.empty() && !path.starts_with('/'))
      return malformed("linux.namespaces", "path \"" + path + "\" is not absolute");
    into.namespaces.push_back({found->kind, std::move(path)});
  }
  return {};
}

Result<> parse_clock_offsets(const Json& object, std::vector<ClockOffset>& into) {
  const Json* offsets = find_key(object, "timeOffsets");
  if (!offsets || offsets->is_null()) return {};
  if (!offsets->is_object()) return malformed("linux.timeOffsets", "not an object");
  for (const auto& [clock, offset] : offsets->items()) {
    if (clock != "monotonic" && clock != "boottime")
      return malformed("linux.timeOffsets", "unknown clock \"" + clock + "\"");
    const auto seconds = TRY(signed_of(offset, "secs", "linux.timeOffsets.secs"));
    const auto nanoseconds = TRY(unsigned_of<std::uint32_t>(offset, "nanosecs", "linux.timeOffsets.nanosecs"));
    into.push_back({clock, seconds.value_or(0), nanoseconds.value_or(0)});
  }
  return {};
}

Result<> parse_personality(const Json& object, Linux& into) {
  const Json* personality = find_key(object, "personality");
  if (!personality || personality->is_null()) return {};
  constexpr std::string_view where = "linux.personality";
  if (!get_strings(*personality, "flags").empty()) return malformed(where, "flags are not supported by Linux yet");
  const std::string domain = get_string(*personality, "domain");
  if (domain == "LINUX")
    into.personality = PER_LINUX;
  else if (domain == "LINUX32")
    into.personality = PER_LINUX32;
  else
    return malformed(where, "unknown domain \"" + domain + "\"");
  return {};
}

Result<> parse_devices(const Json& object, std::vector<Device>& into) {
  constexpr std::string_view where = "linux.devices";
  for (const Json* entry : TRY(entries_of(object, "devices", where))) {
    Device device;
    device.path = get_string(*entry, "path");
    const std::string type = get_string(*entry, "type");
    if (!device.path.starts_with('/')) return malformed(where, "path \"" + device.path + "\" is not absolute");
    if (type != "c" && type != "u" && type != "b" && type != "p")
      return malformed(where, "unknown type \"" + type + "\"");
    device.type = type == "u" ? 'c' : type[0];
    const auto major = TRY(unsigned_of<std::uint32_t>(*entry, "major", where));
    const auto minor = TRY(unsigned_of<std::uint32_t>(*entry, "minor", where));
    if (type != "p" && (!major || !minor)) return malformed(where, "\"" + device.path + "\" needs major and minor");
    device.major = major.value_or(0);
    device.minor = minor.value_or(0);
    device.mode = TRY(unsigned_of<std::uint32_t>(*entry, "fileMode", where)).value_or(0666) & 07777;
    device.uid = TRY(unsigned_of<std::uint32_t>(*entry, "uid", where)).value_or(0);
    device.gid = TRY(unsigned_of<std::uint32_t>(*entry, "gid", where)).value_or(0);
    into.push_back(std::move(device));
  }
  return {};
}

Result<> parse_sysctl(const Json& object, std::map<std::string, std::string>& into) {
  const Json* sysctl = find_key(object, "sysctl");
  if (!sysctl || !sysctl->is_object()) return {};
  for (const auto& [key, value] : sysctl->items()) {
    if (!value.is_string() || key.empty() || key.contains("..") || key.starts_with('/'))
      return malformed("linux.sysctl", "\"" + key + "\" is not a sysctl");
    into[key] = value.get<std::string>();
  }
  return {};
}

}  // namespace

Result<> parse_mappings(const Json& object, std::string_view key, std::string_view where,
                        std::vector<IdMapping>& into) {
  const std::string whole = std::string(where) + "." + std::string(key);
  for (const Json* entry : TRY(entries_of(object, key, whole))) {
    const auto container = TRY(unsigned_of<std::uint32_t>(*entry, "containerID", whole));
    const auto host = TRY(unsigned_of<std::uint32_t>(*entry, "hostID", whole));
    const auto size = TRY(unsigned_of<std::uint32_t>(*entry, "size", whole));
    into.push_back({container.value_or(0), host.value_or(0), size.value_or(0)});
  }
  return {};
}

Result<> parse_linux(const Json& object, Linux& into) {
  TRY(parse_namespaces(object, into));
  TRY(parse_mappings(object, "uidMappings", "linux", into.uid_mappings));
  TRY(parse_mappings(object, "gidMappings", "linux", into.gid_mappings));
  TRY(parse_devices(object, into.devices));
  if (const Json* resources = find_key(object, "resources")) TRY(parse_resources(*resources, into.resources));
  into.cgroups_path = get_string(object, "cgroupsPath");
  into.rootfs_propagation = get_string(object, "rootfsPropagation");
  into.masked_paths = get_strings(object, "maskedPaths");
  into.readonly_paths = get_strings(object, "readonlyPaths");
  TRY(parse_sysctl(object, into.sysctl));
  TRY(parse_clock_offsets(object, into.clock_offsets));
  TRY(parse_personality(object, into));
  into.mount_label = get_string(object, "mountLabel");
  into.has_seccomp = find_key(object, "seccomp") != nullptr;
  if (find_key(object, "intelRdt")) return fail(Error(Code::unsupported, "linux.intelRdt"));
  return {};
}

}  // namespace consort::runtime::internal
