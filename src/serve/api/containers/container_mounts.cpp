#include "serve/api/containers/container_mounts.hpp"

#include <algorithm>
#include <array>

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

namespace {

using engine::MountSpec;
using engine::MountType;

std::unexpected<Error> bad_bind(const std::string& text) {
  return fail(http_error(400, "invalid volume specification: '" + text + "'"));
}

// "ro,z,rprivate,nocopy" after the second colon.
Result<> apply_mode(MountSpec& mount, const std::string& mode) {
  constexpr std::array<std::string_view, 6> propagations{"private", "rprivate", "slave", "rslave", "shared", "rshared"};
  constexpr std::array<std::string_view, 5> without_effect{"", "rw", "consistent", "cached", "delegated"};
  const std::vector<std::string> words = split(mode, ',');
  if (std::ranges::count_if(words, [](const std::string& word) { return word == "ro" || word == "rw"; }) > 1)
    return fail(http_error(400, "invalid mode: " + mode));
  for (const std::string& word : words) {
    if (word == "ro")
      mount.read_only = true;
    else if (word == "z" || word == "Z")
      mount.selinux = word;
    else if (word == "nocopy")
      mount.nocopy = true;
    else if (std::ranges::find(propagations, word) != propagations.end())
      mount.propagation = word;
    else if (std::ranges::find(without_effect, word) == without_effect.end())
      return fail(http_error(400, "invalid mode: " + mode));
  }
  return {};
}

std::string why_no_target(const std::string& target) {
  if (!target.starts_with('/')) return "invalid mount path: '" + target + "' mount path must be absolute";
  return clean_path(target) == "/" ? "invalid specification: destination can't be '/'" : "";
}

// "data:/var/lib/data", "/etc/x:/etc/x:ro", "/var/lib/data"
Result<MountSpec> parse_bind(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() > 3 || text.empty()) return bad_bind(text);
  MountSpec mount;
  if (parts.size() == 1) {
    mount.target = parts[0];
  } else {
    mount.source = parts[0];
    mount.target = parts[1];
    if (mount.source.empty()) return bad_bind(text);
    if (parts.size() == 3) TRY(apply_mode(mount, parts[2]));
  }
  if (mount.source.starts_with('/')) {
    mount.type = MountType::bind;
    mount.create_host_path = true;
    mount.source = clean_path(mount.source);
  } else if (mount.source.contains('/')) {
    return fail(http_error(400, "create " + mount.source + ": \"" + mount.source +
                                    "\" includes invalid characters for a local volume name, only "
                                    "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                                    "directory, use absolute path"));
  }
  if (mount.type == MountType::volume && mount.source.size() == 1)
    return fail(http_error(
        400,
        "create " + mount.source + ": volume name is too short, names should be at least two alphanumeric characters"));
  const std::string why = why_no_target(mount.target);
  if (!why.empty())
    return fail(http_error(400, "invalid volume specification: '" + text + "': invalid mount config for type \"" +
                                    (mount.type == MountType::bind ? "bind" : "volume") + "\": " + why));
  return mount;
}

const Json& part(const Json& object, std::string_view key) {
  static const Json none = Json::object();
  const Json* found = find_key(object, key);
  return found && found->is_object() ? *found : none;
}

Result<MountType> type_of(const std::string& name) {
  if (name == "bind") return MountType::bind;
  if (name == "volume") return MountType::volume;
  if (name == "tmpfs") return MountType::tmpfs;
  if (name == "image") return MountType::image;
  return fail(http_error(400, "invalid mount config for type \"" + name + "\": mount type unknown"));
}

void add_bind_options(MountSpec& mount, const Json& options) {
  mount.propagation = get_string(options, "Propagation");
  mount.non_recursive = get_bool(options, "NonRecursive");
  mount.create_host_path = get_bool(options, "CreateMountpoint");
  mount.read_only_non_recursive = get_bool(options, "ReadOnlyNonRecursive");
  mount.read_only_force_recursive = get_bool(options, "ReadOnlyForceRecursive");
}

void add_volume_options(MountSpec& mount, const Json& options) {
  mount.nocopy = get_bool(options, "NoCopy");
  mount.subpath = get_string(options, "Subpath");
  for (const auto& [key, value] : part(options, "Labels").items())
    if (value.is_string()) mount.volume_labels[key] = value.get<std::string>();
  const Json& driver = part(options, "DriverConfig");
  mount.volume_driver = get_string(driver, "Name");
  for (const auto& [key, value] : part(driver, "Options").items())
    if (value.is_string()) mount.volume_driver_options[key] = value.get<std::string>();
}

void add_tmpfs_options(MountSpec& mount, const Json& options) {
  if (const std::int64_t size = get_int(options, "SizeBytes"); size > 0)
    mount.tmpfs_size = static_cast<std::uint64_t>(size);
  if (const std::int64_t mode = get_int(options, "Mode"); mode > 0) mount.tmpfs_mode = saturated<std::uint32_t>(mode);
  if (const Json* list = find_key(options, "Options"); list && list->is_array())
    for (const Json& option : *list) {  // ["uid","5"] or ["exec"]
      if (!option.is_array() || option.empty() || !option[0].is_string()) continue;
      std::string text = option[0].get<std::string>();
      if (option.size() > 1 && option[1].is_string()) text += "=" + option[1].get<std::string>();
      mount.tmpfs_options += (mount.tmpfs_options.empty() ? "" : ",") + text;
    }
}

Result<MountSpec> parse_mount(const Json& json) {
  MountSpec mount;
  const std::string type = get_string(json, "Type");
  mount.type = TRY(type_of(type));
  mount.source = get_string(json, "Source");
  mount.target = get_string(json, "Target");
  mount.read_only = get_bool(json, "ReadOnly");
  const std::string about = "invalid mount config for type \"" + type + "\": ";
  if (mount.target.empty()) return fail(http_error(400, about + "field Target must not be empty"));
  if (const std::string why = why_no_target(mount.target); !why.empty()) return fail(http_error(400, about + why));
  if (mount.type == MountType::tmpfs && !mount.source.empty())
    return fail(http_error(400, about + "field Source must not be specified"));
  if (mount.type == MountType::bind && mount.source.empty())
    return fail(http_error(400, about + "field Source must not be empty"));
  if (mount.type == MountType::bind && !mount.source.starts_with('/'))
    return fail(http_error(400, about + "invalid mount path: '" + mount.source + "' mount path must be absolute"));
  add_bind_options(mount, part(json, "BindOptions"));
  add_volume_options(mount, part(json, "VolumeOptions"));
  add_tmpfs_options(mount, part(json, "TmpfsOptions"));
  if (mount.type == MountType::image) mount.subpath = get_string(part(json, "ImageOptions"), "Subpath");
  return mount;
}

Result<> check_targets(const engine::ContainerSpec& spec) {
  std::vector<std::string> targets;
  for (const MountSpec& mount : spec.mounts) targets.push_back(clean_path(mount.target));
  std::ranges::sort(targets);
  const auto twice = std::ranges::adjacent_find(targets);
  if (twice != targets.end()) return fail(http_error(400, "Duplicate mount point: " + *twice));
  return {};
}

}  // namespace

Result<> add_mounts(engine::ContainerSpec& spec, const Json& host, const Json& volumes) {
  const std::string driver = get_string(host, "VolumeDriver");
  for (const std::string& text : get_strings(host, "Binds")) {
    spec.mounts.push_back(TRY(parse_bind(text)));
    if (spec.mounts.back().type == MountType::volume) spec.mounts.back().volume_driver = driver;
  }
  if (const Json* list = find_key(host, "Mounts"); list && list->is_array())
    for (const Json& each : *list) spec.mounts.push_back(TRY(parse_mount(each)));
  TRY(check_targets(spec));
  for (const auto& [path, nothing] : volumes.items()) {
    const MountSpec mount = TRY(parse_bind(path));  // "data:/x" was allowed here once
    const auto same = [&](const MountSpec& other) { return clean_path(other.target) == clean_path(mount.target); };
    if (std::ranges::none_of(spec.mounts, same)) spec.mounts.push_back(mount);
  }
  return {};
}

}  // namespace consort::serve
