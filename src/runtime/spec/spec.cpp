// config.json to Spec: the parts that are not specific to Linux.
#include "runtime/spec.hpp"

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime {

using internal::check_strings;
using internal::entries_of;
using internal::malformed;

const Namespace* Spec::find_namespace(NamespaceKind kind) const {
  for (const Namespace& ns : linux_.namespaces)
    if (ns.kind == kind) return &ns;
  return nullptr;
}

bool Hooks::any() const {
  return !prestart.empty() || !create_runtime.empty() || !create_container.empty() || !start_container.empty() ||
         !poststart.empty() || !poststop.empty();
}

namespace {

constexpr std::size_t max_text = std::size_t{4} << 20;

Result<> parse_mounts(const Json& root, std::vector<Mount>& mounts) {
  for (const Json* entry : TRY(entries_of(root, "mounts", "mounts"))) {
    Mount mount{get_string(*entry, "destination"),
                get_string(*entry, "type"),
                get_string(*entry, "source"),
                get_strings(*entry, "options"),
                {},
                {}};
    TRY(internal::parse_mappings(*entry, "uidMappings", "mounts", mount.uid_mappings));
    TRY(internal::parse_mappings(*entry, "gidMappings", "mounts", mount.gid_mappings));
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
      return malformed("mounts", "\"" + mount.destination + "\" needs both uidMappings and gidMappings");
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

Result<> parse_hook_list(const Json& hooks, std::string_view name, std::vector<Hook>& into) {
  const std::string where = "hooks." + std::string(name);
  for (const Json* entry : TRY(entries_of(hooks, name, where))) {
    Hook hook{get_string(*entry, "path"), get_strings(*entry, "args"), get_strings(*entry, "env"), {}};
    if (!hook.path.starts_with('/')) return malformed(where, "path \"" + hook.path + "\" is not absolute");
    hook.timeout_seconds = TRY(internal::signed_of(*entry, "timeout", where + ".timeout"));
    if (hook.timeout_seconds && *hook.timeout_seconds <= 0) return malformed(where, "a timeout must be more than 0");
    TRY(check_strings({hook.path}, where));
    TRY(check_strings(hook.args, where));
    TRY(check_strings(hook.env, where));
    if (hook.args.empty()) hook.args.push_back(hook.path);
    into.push_back(std::move(hook));
  }
  return {};
}

Result<> parse_hooks(const Json& root, Hooks& into) {
  const Json* hooks = find_key(root, "hooks");
  if (!hooks) return {};
  TRY(parse_hook_list(*hooks, "prestart", into.prestart));
  TRY(parse_hook_list(*hooks, "createRuntime", into.create_runtime));
  TRY(parse_hook_list(*hooks, "createContainer", into.create_container));
  TRY(parse_hook_list(*hooks, "startContainer", into.start_container));
  TRY(parse_hook_list(*hooks, "poststart", into.poststart));
  return parse_hook_list(*hooks, "poststop", into.poststop);
}

// "1.2.0", "1.0.2-dev": a semantic version with major version 1.
bool is_version_one(std::string_view text) {
  const std::string core(text.substr(0, text.find_first_of("-+")));
  const std::vector<std::string> parts = split(core, '.');
  return parts.size() == 3 && parts[0] == "1" && parse_unsigned(parts[1]) && parse_unsigned(parts[2]);
}

Result<Spec> parse_object(const Json& root) {
  if (!root.is_object()) return malformed("config.json", "not an object");
  Spec spec;
  spec.oci_version = get_string(root, "ociVersion");
  if (!is_version_one(spec.oci_version))
    return malformed("ociVersion", "\"" + spec.oci_version + "\" is not a version 1");
  if (const Json* process = find_key(root, "process")) {
    TRY(internal::parse_process(*process, spec.process));
  } else {
    spec.has_process = false;
  }
  if (const Json* object = find_key(root, "root")) {
    spec.root_path = get_string(*object, "path", "rootfs");
    spec.root_readonly = get_bool(*object, "readonly");
  }
  spec.hostname = get_string(root, "hostname");
  spec.domainname = get_string(root, "domainname");
  TRY(parse_mounts(root, spec.mounts));
  take_annotations(root, spec);
  TRY(parse_hooks(root, spec.hooks));
  if (const Json* object = find_key(root, "linux")) TRY(internal::parse_linux(*object, spec.linux_));
  return spec;
}

}  // namespace

Result<Spec> parse_spec(std::string_view json, const std::string& source) {
  if (json.size() > max_text) return fail(Error(Code::invalid, "parse").on(source).why("larger than 4 MiB"));
  const Json root = TRY(parse_json(json, source));
  return TRY_WRAP(parse_object(root), "parse", source);
}

Result<Process> parse_process_text(std::string_view json, const std::string& source) {
  if (json.size() > max_text) return fail(Error(Code::invalid, "parse").on(source).why("larger than 4 MiB"));
  const Json object = TRY(parse_json(json, source));
  Process process;
  TRY_WRAP(internal::parse_process(object, process), "parse", source);
  return process;
}

Result<Resources> parse_resources_text(std::string_view json, const std::string& source) {
  if (json.size() > max_text) return fail(Error(Code::invalid, "parse").on(source).why("larger than 4 MiB"));
  const Json object = TRY(parse_json(json, source));
  Resources resources;
  TRY_WRAP(internal::parse_resources(object, resources), "parse", source);
  return resources;
}

Result<Spec> load_spec(const std::string& bundle) {
  const std::string path = join_path(bundle, "config.json");
  return parse_spec(TRY(read_file(path, max_text)), path);
}

}  // namespace consort::runtime
