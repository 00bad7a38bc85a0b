#include "serve/api/limits.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/service.hpp"
#include "serve/api/volume_shape.hpp"

namespace consort::serve {

namespace {

constexpr const char* project_label = "com.docker.compose.project";
constexpr std::uint16_t first_port_of_everybody = 1024;  // below, not every user of the machine could listen either

// Keys of HostConfig that reach no further than the container itself, and those that checks below look into. Whatever
// else there is now or will be must be absent.
constexpr std::string_view known_host_keys[] = {
    "AutoRemove",  "Binds",        "BlkioWeight",       "CapDrop",        "CgroupnsMode",
    "ConsoleSize", "CpuPeriod",    "CpuQuota",          "CpuShares",      "CpusetCpus",
    "CpusetMems",  "Dns",          "DnsOptions",        "DnsSearch",      "ExtraHosts",
    "GroupAdd",    "Init",         "IpcMode",           "Isolation",      "Links",
    "LogConfig",   "Memory",       "MemoryReservation", "MemorySwap",     "MemorySwappiness",
    "Mounts",      "NanoCpus",     "NetworkMode",       "OomScoreAdj",    "PidMode",
    "PidsLimit",   "PortBindings", "PublishAllPorts",   "ReadonlyRootfs", "RestartPolicy",
    "Runtime",     "SecurityOpt",  "ShmSize",           "StorageOpt",     "Sysctls",
    "Tmpfs",       "Ulimits",      "VolumeDriver",      "VolumesFrom"};

const std::string& limit_of(Call& call) {
  return call.service().options().project;
}

std::unexpected<Error> refuse(Call& call, const std::string& what) {
  return fail(http_error(403, "this socket is for project " + limit_of(call) + " only: " + what));
}

// An empty list in these two takes masks away that are there without it.
bool says_nothing(std::string_view key, const Json& value) {
  if (value.is_array() && (key == "MaskedPaths" || key == "ReadonlyPaths")) return false;
  const bool empty_text = value.is_string() && value.get_ref<const std::string&>().empty();
  return value.is_null() || value == false || value == 0 || empty_text || (value.is_structured() && value.empty());
}

Result<> check_keys(Call& call, const Json& body) {
  const Json* host = find_key(body, "HostConfig");
  if (!host || !host->is_object()) return {};
  for (const auto& [key, value] : host->items())
    if (std::ranges::find(known_host_keys, key) == std::end(known_host_keys) && !says_nothing(key, value))
      return refuse(call, key + " would reach beyond the container");
  return {};
}

// What is checked here is what the engine finds again: by the whole id, which is nobody else's at any time.
Result<> check_container(Call& call, std::string& name) {
  auto found = find_container(call, name);
  if (!found) return refuse(call, "it has no container " + name);
  name = std::move(found->id);
  return {};
}

// "", "private" and the like, or the namespace of a container of the project.
Result<> check_mode(Call& call, const char* key, std::string& mode) {
  constexpr std::string_view of_container = "container:";
  if (mode.starts_with(of_container)) {
    std::string container = mode.substr(of_container.size());
    TRY(check_container(call, container));
    mode = std::string(of_container) + container;
    return {};
  }
  constexpr std::string_view own[] = {"", "none", "private", "shareable"};
  if (std::ranges::find(own, mode) != std::end(own)) return {};
  return refuse(call, std::string(key) + " \"" + mode + "\" would reach beyond the container");
}

// A name that a project's file could have given: another project would find, and use, what stands at its own names.
bool is_name_of(const std::string& project, const std::string& name) {
  return name.starts_with(project + "_");
}

constexpr std::size_t successor_mark = 12;

bool is_successor(const std::string& name) {
  return name.size() > successor_mark + 1 && name[successor_mark] == '_' && is_hex(name.substr(0, successor_mark));
}

Result<> check_volume_name(Call& call, const std::string& name) {
  if (name.empty()) return {};
  const Result<engine::Volume> there = TRY(call.engine())->inspect_volume(name);
  if (!there && there.error().code() != Code::not_found) return fail(there.error());
  if (there ? shows_volume(call, *there) : is_name_of(limit_of(call), name)) return {};
  return refuse(call, "names of its volumes must begin with \"" + limit_of(call) + "_\", unlike " + name);
}

Result<> check_mount(Call& call, engine::MountSpec& mount) {
  switch (mount.type) {
    case engine::MountType::tmpfs:
      return {};
    case engine::MountType::image:
      (void)TRY(find_shown_image(call, mount.source));
      return {};
    case engine::MountType::volume:
      if ((!mount.volume_driver.empty() && mount.volume_driver != "local") || !mount.volume_driver_options.empty())
        return refuse(call, "a volume with driver options could be anywhere on the machine");
      mount.volume_labels[project_label] = limit_of(call);
      return check_volume_name(call, mount.source);
    default:
      return refuse(call, "directories of the machine cannot be mounted (" + mount.source + ")");
  }
}

Result<> check_networks(Call& call, engine::ContainerSpec& spec) {
  TRY(check_mode(call, "NetworkMode", spec.network_mode));
  for (const engine::EndpointSpec& endpoint : spec.networks) {
    const auto network = TRY(call.engine())->inspect_network(endpoint.network);
    if (!network || !shows_network(call, *network)) return refuse(call, "it has no network " + endpoint.network);
    TRY(check_is_of_project(call, *network));
  }
  for (const engine::PortBinding& port : spec.ports)
    if (port.host_port != 0 && port.host_port < first_port_of_everybody)
      return refuse(call, "ports below 1024 cannot be published");
  return {};
}

// "NAME", "NAME:ro"
Result<> check_donor(Call& call, std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  std::string container = text.substr(0, colon);
  TRY(check_container(call, container));
  text.replace(0, colon, container);
  return {};
}

Result<> check_link(Call& call, const std::string& text) {
  std::string container = text.substr(0, text.find(':'));
  return check_container(call, container);
}

Result<> check_others(Call& call, engine::ContainerSpec& spec) {
  for (std::string& text : spec.volumes_from) TRY(check_donor(call, text));
  for (const std::string& text : spec.links) TRY(check_link(call, text));
  for (const engine::EndpointSpec& endpoint : spec.networks)
    for (const std::string& text : endpoint.links) TRY(check_link(call, text));
  TRY(check_mode(call, "IpcMode", spec.ipc_mode));
  TRY(check_mode(call, "PidMode", spec.pid_mode));
  return check_mode(call, "CgroupnsMode", spec.cgroup_mode);
}

Result<> check_confinement(Call& call, const engine::ContainerSpec& spec) {
  for (const std::string& option : spec.security_opt)
    if (option != "no-new-privileges" && option != "no-new-privileges:true" && option != "no-new-privileges=true")
      return refuse(call, "SecurityOpt " + option + " would weaken the isolation of the container");
  if (!spec.runtime.empty()) return refuse(call, "other runtimes are not allowed (" + spec.runtime + ")");
  if (spec.oom_score_adj < 0) return refuse(call, "OomScoreAdj below 0 would affect other containers");
  constexpr std::string_view kept_here[] = {"", "json-file", "local", "none"};
  if (std::ranges::find(kept_here, spec.log.driver) == std::end(kept_here))
    return refuse(call, "logging drivers that send logs elsewhere are not allowed (" + spec.log.driver + ")");
  return {};
}

}  // namespace

// Compose calls what shall take a container's place "<12 digits of its id>_NAME" until that has gone.
Result<> keep_name_to_project(Call& call, const std::string& name, const std::string& before) {
  const std::string& project = limit_of(call);
  if (project.empty() || name.empty()) return {};
  const std::string wanted = is_successor(name) ? name.substr(successor_mark + 1) : name;
  if (wanted.starts_with(project + "-") || is_name_of(project, wanted)) return {};
  if (is_successor(before) && before.substr(successor_mark + 1) == name) return {};
  // By its name: the beginning of an id may be any name that is hexadecimal.
  if (is_successor(name))
    if (const auto present = find_container(call, wanted); present && present->name == wanted) return {};
  return refuse(call,
                "names of its containers must begin with \"" + project + "-\" or \"" + project + "_\", unlike " + name);
}

Result<> keep_to_project(Call& call, const Json& body, engine::ContainerSpec& spec) {
  if (limit_of(call).empty()) return {};
  if (spec.project != limit_of(call))
    return refuse(call, std::string("label ") + project_label + " of the container must say so");
  TRY(keep_name_to_project(call, spec.name, ""));
  TRY(check_keys(call, body));
  TRY(check_confinement(call, spec));
  TRY(check_others(call, spec));
  for (engine::MountSpec& mount : spec.mounts) TRY(check_mount(call, mount));
  return check_networks(call, spec);
}

Result<> keep_to_project(Call& call, const engine::ExecSpec& spec) {
  if (limit_of(call).empty() || !spec.privileged) return {};
  return refuse(call, "a process cannot have more privileges than its container");
}

Result<> keep_to_project(Call& call, engine::NetworkSpec& spec) {
  const std::string& project = limit_of(call);
  if (project.empty()) return {};
  if (!is_name_of(project, spec.name))
    return refuse(call, "names of its networks must begin with \"" + project + "_\", unlike " + spec.name);
  if ((!spec.driver.empty() && spec.driver != "bridge") || !spec.driver_opts.empty())
    return refuse(call, "its networks must be bridges without options");
  if (!spec.pools.empty() || !spec.ipam_options.empty() || !(spec.ipam_driver.empty() || spec.ipam_driver == "default"))
    return refuse(call, "addresses of its networks cannot be chosen: they could belong to others");
  spec.project = spec.labels[project_label] = project;
  return {};
}

Result<> keep_to_project(Call& call, engine::VolumeSpec& spec) {
  const std::string& project = limit_of(call);
  if (project.empty()) return {};
  if ((!spec.driver.empty() && spec.driver != "local") || !spec.driver_opts.empty())
    return refuse(call, "a volume with driver options could be anywhere on the machine");
  spec.labels[project_label] = project;
  return check_volume_name(call, spec.name);
}

Result<> check_is_of_project(Call& call, const engine::Network& network) {
  const std::string& project = limit_of(call);
  if (project.empty() || network.spec.project == project) return {};
  return refuse(call, "network " + network.spec.name + " is not its own; NetworkMode names one that is, or \"none\"");
}

Result<ShownImages> ShownImages::of(Call& call) {
  ShownImages shown;
  shown.project_ = limit_of(call);
  if (shown.project_.empty()) return shown;
  for (const engine::Container& container : TRY(TRY(call.engine())->list()))
    if (call.service().shows(container)) shown.used_.insert(container.image_id);
  return shown;
}

bool ShownImages::takes(const image::Image& image, const image::ImageConfig& config) const {
  if (project_.empty() || used_.contains(image.id)) return true;
  const auto label = config.labels.find(project_label);
  return label != config.labels.end() && label->second == project_;
}

Result<std::vector<image::Image>> shown_images(Call& call) {
  const engine::Images images = TRY(call.engine())->images();
  std::vector<image::Image> all = TRY(images.list());
  if (limit_of(call).empty()) return all;
  const ShownImages shown = TRY(ShownImages::of(call));
  std::erase_if(all, [&](const image::Image& image) {
    const auto config = images.config_of(image);
    return !config || !shown.takes(image, *config);  // or it has gone meanwhile
  });
  return all;
}

Result<image::Image> find_shown_image(Call& call, const std::string& name,
                                      const std::optional<image::Platform>& platform) {
  const engine::Images images = TRY(call.engine())->images();
  image::Image image = TRY(images.find(name, platform));
  const ShownImages shown = TRY(ShownImages::of(call));
  if (limit_of(call).empty() || shown.takes(image, TRY(images.config_of(image)))) return image;
  const auto reference = image::Reference::parse(name);  // as of one that is not there
  return fail(http_error(404, "No such image: " + (reference ? reference->familiar() : name)));
}

}  // namespace consort::serve
