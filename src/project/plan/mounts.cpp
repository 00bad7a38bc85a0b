// Converts volumes, secrets and configs of a service to mounts and files.
#include <algorithm>

#include "compose/api_socket.hpp"
#include "engine/api_socket.hpp"
#include "project/plan/container_spec.hpp"

namespace consort::project {

namespace {

using compose::Mount;
using compose::MountType;

void add_bind(const Mount& mount, engine::MountSpec& spec) {
  spec.type = engine::MountType::bind;
  // Without a `bind:` mapping, a missing directory is created; with one, only if that requests it.
  spec.create_host_path = !mount.bind || mount.bind->create_host_path;
  if (!mount.bind) return;
  spec.propagation = mount.bind->propagation;
  spec.selinux = mount.bind->selinux;
  spec.non_recursive = mount.bind->recursive == "disabled";
  spec.read_only_non_recursive = mount.bind->recursive == "writable";
  spec.read_only_force_recursive = mount.bind->recursive == "readonly";
}

void add_volume(const DesiredMount& wanted, engine::MountSpec& spec) {
  spec.type = engine::MountType::volume;
  if (!wanted.volume_name.empty()) spec.source = wanted.volume_name;
  spec.volume_driver = wanted.volume_driver;
  const Mount& mount = wanted.how;
  if (!mount.volume) return;
  spec.nocopy = mount.volume->nocopy;
  spec.subpath = mount.volume->subpath;
  spec.volume_labels = mount.volume->labels;
}

Result<engine::MountSpec> mount_spec(const DesiredService& service, const DesiredMount& wanted) {
  const Mount& mount = wanted.how;
  engine::MountSpec spec;
  spec.source = mount.source;
  spec.target = mount.target;
  spec.read_only = mount.read_only;
  switch (mount.type) {
    case MountType::bind:
      add_bind(mount, spec);
      break;
    case MountType::volume:
      add_volume(wanted, spec);
      break;
    case MountType::tmpfs:
      spec.type = engine::MountType::tmpfs;
      if (mount.tmpfs && mount.tmpfs->size > 0) spec.tmpfs_size = static_cast<std::uint64_t>(mount.tmpfs->size);
      if (mount.tmpfs && mount.tmpfs->mode) spec.tmpfs_mode = mount.tmpfs->mode;
      break;
    case MountType::image:
      spec.type = engine::MountType::image;
      if (mount.image) spec.subpath = mount.image->subpath;
      break;
    case MountType::npipe:
    case MountType::cluster:
      return fail(
          Error(Code::unsupported, "mount")
              .on(mount.target)
              .why(mount.type == MountType::npipe ? "named pipes are only on Windows" : "cluster volumes need a Swarm")
              .at(service.mark));
  }
  return spec;
}

// The mount of a file on the host.
engine::MountSpec file_mount(const DesiredFile& file) {
  engine::MountSpec spec;
  spec.type = engine::MountType::bind;
  spec.source = file.host_file;
  spec.target = file.path;
  spec.read_only = true;
  return spec;
}

Result<engine::FileContent> file_content(const DesiredService& service, const DesiredFile& file) {
  const std::string word = file.kind == DesiredFile::Kind::secret ? "secret" : "config";
  if (file.external)
    return fail(Error(Code::unsupported, "unsupported external " + word + " " + file.name)
                    .hint("give it `file:`, `environment:` or, for a config, `content:`")
                    .at(file.mark));
  if (service.container.read_only)
    return fail(Error(Code::invalid, "cannot create " + word + " \"" + file.key + "\" in read-only service " +
                                         service.name + ": `file` is the sole supported option")
                    .at(service.mark));
  return engine::FileContent{file.path, file.content, file.mode, file.uid, file.gid};
}

// Adds binds of Docker's socket, and the one for `use_api_socket`.
void add_api_socket(compose::ApiSocket kind, const compose::Service& file, std::vector<engine::MountSpec>& mounts) {
  if (kind == compose::ApiSocket::none) return;
  const auto is_there = [](const engine::MountSpec& mount) { return mount.target == compose::docker_socket; };
  if (file.use_api_socket && std::ranges::none_of(mounts, is_there)) {
    mounts.push_back({.type = engine::MountType::bind,
                      .source = compose::docker_socket,
                      .target = compose::docker_socket,
                      .create_host_path = true});
  }
  if (kind == compose::ApiSocket::full) return;
  for (engine::MountSpec& mount : mounts)
    if (mount.type == engine::MountType::bind && compose::is_docker_socket(mount.source))
      mount.source = engine::project_api;
}

}  // namespace

Result<std::vector<engine::MountSpec>> mount_specs(const compose::Project& project, const compose::Service& file,
                                                   const DesiredService& service) {
  std::vector<engine::MountSpec> mounts;
  for (const DesiredMount& mount : service.mounts) mounts.push_back(TRY(mount_spec(service, mount)));
  add_api_socket(TRY(compose::api_socket_of(project, file)), file, mounts);
  for (const DesiredFile& each : service.files)
    if (!each.host_file.empty()) mounts.push_back(file_mount(each));
  return mounts;
}

std::string told_api_socket(const engine::ContainerSpec& spec) {
  for (const engine::MountSpec& mount : spec.mounts) {
    if (mount.type != engine::MountType::bind) continue;
    if (mount.source == engine::project_api)
      return mount.target + " is the API of this project only (for the whole machine: `x-consort: {api_socket: full}`)";
    if (compose::is_docker_socket(mount.source))
      return mount.target + " is the API of the whole machine: it gives its users root access to this machine";
  }
  return {};
}

Result<std::vector<engine::FileContent>> file_contents(const DesiredService& service) {
  std::vector<engine::FileContent> files;
  for (const DesiredFile& file : service.files)
    if (file.host_file.empty()) files.push_back(TRY(file_content(service, file)));
  return files;
}

}  // namespace consort::project
