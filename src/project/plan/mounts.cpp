// Volumes, secrets and configs of a service as mounts and files.
#include "project/plan/container_spec.hpp"

namespace consort::project {

namespace {

using compose::Mount;
using compose::MountType;

void add_bind(const Mount& mount, engine::MountSpec& spec) {
  spec.type = engine::MountType::bind;
  // Without a `bind:` map of its own a missing folder is made; with one, only if it says so.
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

// Of a file of the host.
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

}  // namespace

Result<std::vector<engine::MountSpec>> mount_specs(const compose::Project& project, const DesiredService& service) {
  if (service.container.use_api_socket)
    return fail(Error(Code::unsupported, "use_api_socket of service " + service.name)
                    .why("Consort has no daemon whose socket that could be")
                    .hint("take it out, or run this service with Docker")
                    .at(project.locate({"services", service.name, "use_api_socket"})));
  std::vector<engine::MountSpec> mounts;
  for (const DesiredMount& mount : service.mounts) mounts.push_back(TRY(mount_spec(service, mount)));
  for (const DesiredFile& file : service.files)
    if (!file.host_file.empty()) mounts.push_back(file_mount(file));
  return mounts;
}

Result<std::vector<engine::FileContent>> file_contents(const DesiredService& service) {
  std::vector<engine::FileContent> files;
  for (const DesiredFile& file : service.files)
    if (file.host_file.empty()) files.push_back(TRY(file_content(service, file)));
  return files;
}

}  // namespace consort::project
