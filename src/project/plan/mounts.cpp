// Volumes, secrets and configs of a service as mounts and files.
#include "project/plan/container_spec.hpp"

#include "base/os/file.hpp"
#include "base/strings.hpp"

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

void add_volume(const compose::Project& project, const Mount& mount, engine::MountSpec& spec) {
  spec.type = engine::MountType::volume;
  if (const auto found = project.volumes.find(mount.source); found != project.volumes.end()) {
    spec.source = found->second.name;
    spec.volume_driver = found->second.driver;
  }
  if (!mount.volume) return;
  spec.nocopy = mount.volume->nocopy;
  spec.subpath = mount.volume->subpath;
  spec.volume_labels = mount.volume->labels;
}

Result<engine::MountSpec> mount_spec(const compose::Project& project, const compose::Service& service,
                                     const Mount& mount) {
  engine::MountSpec spec;
  spec.source = mount.source;
  spec.target = mount.target;
  spec.read_only = mount.read_only;
  switch (mount.type) {
    case MountType::bind:
      add_bind(mount, spec);
      break;
    case MountType::volume:
      add_volume(project, mount, spec);
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

enum class Kind : std::uint8_t { secret, config };

std::string target_path(const compose::FileReference& reference, Kind kind) {
  const std::string target = reference.target.empty() ? reference.source : reference.target;
  return join_path(kind == Kind::secret ? "/run/secrets" : "/", target);
}

// nullopt: not one that comes from a file of the host.
std::optional<engine::MountSpec> file_mount(const compose::FileReference& reference,
                                            const std::map<std::string, compose::FileObject>& objects, Kind kind) {
  const auto found = objects.find(reference.source);
  if (found == objects.end() || found->second.file.empty()) return std::nullopt;
  engine::MountSpec spec;
  spec.type = engine::MountType::bind;
  spec.source = found->second.file;
  spec.target = target_path(reference, kind);
  spec.read_only = true;
  return spec;
}

Result<> add_content(const compose::Project& project, const compose::Service& service,
                     const compose::FileReference& reference, Kind kind, std::vector<engine::FileContent>& files) {
  const auto& objects = kind == Kind::secret ? project.secrets : project.configs;
  const std::string word = kind == Kind::secret ? "secret" : "config";
  const auto found = objects.find(reference.source);
  if (found == objects.end() || !found->second.file.empty()) return {};
  const compose::FileObject& object = found->second;
  if (object.external)
    return fail(Error(Code::unsupported, "unsupported external " + word + " " + object.name)
                    .hint("give it `file:`, `environment:` or, for a config, `content:`")
                    .at(object.mark));
  if (service.read_only)
    return fail(Error(Code::invalid, "cannot create " + word + " \"" + reference.source + "\" in read-only service " +
                                         service.name + ": `file` is the sole supported option")
                    .at(service.mark));
  // The variable of an included file may come from an env file of its own: then its value is there already.
  if (!object.environment.empty() && object.content.empty() && !project.environment.contains(object.environment))
    return fail(Error(Code::invalid, "environment variable \"" + object.environment + "\" required by " + word + " \"" +
                                         object.name + "\" is not set")
                    .at(object.mark));
  files.push_back({target_path(reference, kind), object.content, reference.mode.value_or(0444),
                   static_cast<std::uint32_t>(parse_unsigned(reference.uid).value_or(0)),
                   static_cast<std::uint32_t>(parse_unsigned(reference.gid).value_or(0))});
  return {};
}

}  // namespace

Result<std::vector<engine::MountSpec>> mount_specs(const compose::Project& project, const compose::Service& service) {
  std::vector<engine::MountSpec> mounts;
  if (service.use_api_socket)
    return fail(Error(Code::unsupported, "use_api_socket of service " + service.name)
                    .why("Consort has no daemon whose socket that could be")
                    .hint("take it out, or run this service with Docker")
                    .at(project.locate({"services", service.name, "use_api_socket"})));
  for (const Mount& mount : service.volumes) mounts.push_back(TRY(mount_spec(project, service, mount)));
  for (const compose::FileReference& secret : service.secrets)
    if (auto mount = file_mount(secret, project.secrets, Kind::secret)) mounts.push_back(std::move(*mount));
  for (const compose::FileReference& config : service.configs)
    if (auto mount = file_mount(config, project.configs, Kind::config)) mounts.push_back(std::move(*mount));
  return mounts;
}

Result<std::vector<engine::FileContent>> file_contents(const compose::Project& project,
                                                       const compose::Service& service) {
  std::vector<engine::FileContent> files;
  for (const compose::FileReference& secret : service.secrets)
    TRY(add_content(project, service, secret, Kind::secret, files));
  for (const compose::FileReference& config : service.configs)
    TRY(add_content(project, service, config, Kind::config, files));
  return files;
}

}  // namespace consort::project
