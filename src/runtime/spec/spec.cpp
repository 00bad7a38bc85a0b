// config.json to Spec: the parts that are not Linux's.
#include "runtime/spec.hpp"

#include <limits>

#include "base/json.hpp"
#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "runtime/defaults.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime {

using internal::entries_of;
using internal::malformed;
using internal::unsigned_of;

const Namespace* Spec::find_namespace(NamespaceKind kind) const {
  for (const Namespace& ns : linux_.namespaces)
    if (ns.kind == kind) return &ns;
  return nullptr;
}

namespace {

constexpr std::size_t max_text = std::size_t{4} << 20;

Result<std::uint64_t> parse_capability_set(const Json& object, std::string_view key) {
  std::uint64_t mask = 0;
  for (const std::string& name : get_strings(object, key)) {
    const auto number = capability_number(name);
    // A capability that this kernel or this program does not know cannot be granted; leaving it out is safe.
    if (number) mask |= std::uint64_t{1} << *number;
  }
  return mask;
}

Result<> parse_user(const Json& process, User& user) {
  const Json* object = find_key(process, "user");
  if (!object) return {};
  user.uid = TRY(unsigned_of<std::uint32_t>(*object, "uid", "process.user.uid")).value_or(0);
  user.gid = TRY(unsigned_of<std::uint32_t>(*object, "gid", "process.user.gid")).value_or(0);
  user.umask = TRY(unsigned_of<std::uint32_t>(*object, "umask", "process.user.umask"));
  for (const Json* gid : TRY(entries_of(*object, "additionalGids", "process.user.additionalGids"))) {
    if (!gid->is_number_unsigned() || gid->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
      return malformed("process.user.additionalGids", "not a group's number");
    user.additional_gids.push_back(gid->get<std::uint32_t>());
  }
  return {};
}

Result<> parse_rlimits(const Json& process, std::vector<Rlimit>& limits) {
  for (const Json* entry : TRY(entries_of(process, "rlimits", "process.rlimits"))) {
    const std::string type = get_string(*entry, "type");
    const auto number = rlimit_number(type);
    if (!number) return malformed("process.rlimits", "unknown limit \"" + type + "\"");
    const auto soft = TRY(unsigned_of<std::uint64_t>(*entry, "soft", "process.rlimits.soft"));
    const auto hard = TRY(unsigned_of<std::uint64_t>(*entry, "hard", "process.rlimits.hard"));
    if (!soft || !hard) return malformed("process.rlimits", "soft and hard are required");
    limits.push_back({*number, *soft, *hard});
  }
  return {};
}

Result<> check_strings(const std::vector<std::string>& strings, std::string_view where) {
  for (const std::string& text : strings)
    if (text.find('\0') != std::string::npos) return malformed(where, "a string holds a zero byte");
  return {};
}

Result<> parse_process(const Json& root, Process& process) {
  const Json* object = find_key(root, "process");
  if (!object) return malformed("process", "missing");
  process.terminal = get_bool(*object, "terminal");
  if (const Json* size = find_key(*object, "consoleSize")) {
    process.console_height = static_cast<std::uint16_t>(get_int(*size, "height"));
    process.console_width = static_cast<std::uint16_t>(get_int(*size, "width"));
  }
  TRY(parse_user(*object, process.user));
  process.args = get_strings(*object, "args");
  process.env = get_strings(*object, "env");
  process.cwd = get_string(*object, "cwd", "/");
  if (process.args.empty()) return malformed("process.args", "no command specified");
  if (!process.cwd.starts_with('/')) return malformed("process.cwd", "\"" + process.cwd + "\" is not an absolute path");
  TRY(check_strings(process.args, "process.args"));
  TRY(check_strings(process.env, "process.env"));
  TRY(parse_rlimits(*object, process.rlimits));
  process.no_new_privileges = get_bool(*object, "noNewPrivileges");
  if (const Json* adj = find_key(*object, "oomScoreAdj"); adj && adj->is_number_integer())
    process.oom_score_adj = adj->get<int>();
  if (const Json* sets = find_key(*object, "capabilities"); sets && sets->is_object()) {
    Capabilities& all = process.capabilities.emplace();
    all.bounding = TRY(parse_capability_set(*sets, "bounding"));
    all.effective = TRY(parse_capability_set(*sets, "effective"));
    all.permitted = TRY(parse_capability_set(*sets, "permitted"));
    all.inheritable = TRY(parse_capability_set(*sets, "inheritable"));
    all.ambient = TRY(parse_capability_set(*sets, "ambient"));
  }
  return {};
}

Result<> parse_mounts(const Json& root, std::vector<Mount>& mounts) {
  for (const Json* entry : TRY(entries_of(root, "mounts", "mounts"))) {
    Mount mount{get_string(*entry, "destination"), get_string(*entry, "type"), get_string(*entry, "source"),
                get_strings(*entry, "options")};
    if (find_key(*entry, "uidMappings") || find_key(*entry, "gidMappings"))
      return fail(Error(Code::unsupported, "parse mounts").on(mount.destination).why("idmapped mounts"));
    if (mount.destination.empty()) return malformed("mounts", "a mount has no destination");
    TRY(check_strings({mount.destination, mount.type, mount.source}, "mounts"));
    TRY(check_strings(mount.options, "mounts.options"));
    // OCI: a relative destination starts at "/".
    mount.destination = clean_path("/" + mount.destination);
    if (mount.destination == "/") return malformed("mounts", "nothing can be mounted on \"/\"");
    mounts.push_back(std::move(mount));
  }
  return {};
}

// What would silently run without something the bundle asks for is refused.
Result<> refuse_unsupported(const Json& root) {
  const Json* hooks = find_key(root, "hooks");
  if (hooks && hooks->is_object())
    for (const auto& [name, list] : hooks->items())
      if (!list.empty())
        return fail(Error(Code::unsupported, "parse bundle")
                        .why("hooks." + name + " are not run by the built-in runtime")
                        .hint("set `runtime: runc` for this service"));
  return {};
}

void take_annotations(const Json& root, Spec& spec) {
  if (const Json* object = find_key(root, "annotations"); object && object->is_object())
    for (const auto& [key, value] : object->items())
      if (value.is_string()) spec.annotations[key] = value.get<std::string>();
  const auto find = [&spec](std::string_view key) {
    const auto found = spec.annotations.find(std::string(key));
    return found == spec.annotations.end() ? std::string() : found->second;
  };
  spec.process.user.name = find(user_annotation);
  for (const std::string& group : split(find(group_add_annotation), ','))
    if (!group.empty()) spec.process.user.group_names.push_back(group);
}

Result<Spec> parse_object(const Json& root) {
  if (!root.is_object()) return malformed("config.json", "not an object");
  Spec spec;
  spec.oci_version = get_string(root, "ociVersion");
  if (!spec.oci_version.starts_with("1."))
    return malformed("ociVersion", "\"" + spec.oci_version + "\" is not a version 1");
  TRY(refuse_unsupported(root));
  TRY(parse_process(root, spec.process));
  if (const Json* object = find_key(root, "root")) {
    spec.root_path = get_string(*object, "path", "rootfs");
    spec.root_readonly = get_bool(*object, "readonly");
  }
  spec.hostname = get_string(root, "hostname");
  spec.domainname = get_string(root, "domainname");
  TRY(parse_mounts(root, spec.mounts));
  take_annotations(root, spec);
  if (const Json* object = find_key(root, "linux")) TRY(internal::parse_linux(*object, spec.linux_));
  return spec;
}

}  // namespace

Result<Spec> parse_spec(std::string_view json, const std::string& source) {
  if (json.size() > max_text) return fail(Error(Code::invalid, "parse").on(source).why("larger than 4 MiB"));
  const Json root = TRY(parse_json(json, source));
  return TRY_WRAP(parse_object(root), "parse", source);
}

Result<Spec> load_spec(const std::string& bundle) {
  const std::string path = join_path(bundle, "config.json");
  return parse_spec(TRY(read_file(path, max_text)), path);
}

}  // namespace consort::runtime
