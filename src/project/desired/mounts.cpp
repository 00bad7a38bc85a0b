// Volumes, secrets and configs of a service.
#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "project/desired/parts.hpp"

namespace consort::project {

namespace {

using Kind = DesiredFile::Kind;

Result<> add_file(const compose::Project& project, const compose::FileReference& reference, Kind kind,
                  std::vector<DesiredFile>& files) {
  const auto& objects = kind == Kind::secret ? project.secrets : project.configs;
  const auto found = objects.find(reference.source);
  if (found == objects.end()) return {};
  const compose::FileObject& object = found->second;
  const std::string target = reference.target.empty() ? reference.source : reference.target;
  DesiredFile file{.kind = kind,
                   .key = reference.source,
                   .path = join_path(kind == Kind::secret ? "/run/secrets" : "/", target),
                   .host_file = object.file,
                   .content = object.content,
                   .external = object.external,
                   .name = object.name,
                   .mode = reference.mode.value_or(0444),
                   .uid = static_cast<std::uint32_t>(parse_unsigned(reference.uid).value_or(0)),
                   .gid = static_cast<std::uint32_t>(parse_unsigned(reference.gid).value_or(0)),
                   .mark = object.mark};
  // The variable of an included file may come from an env file of its own: then its value is there already.
  if (file.host_file.empty() && !file.external && !object.environment.empty() && object.content.empty() &&
      !project.environment.contains(object.environment))
    return fail(Error(Code::invalid, "environment variable \"" + object.environment + "\" required by " +
                                         (kind == Kind::secret ? "secret" : "config") + " \"" + object.name +
                                         "\" is not set")
                    .at(object.mark));
  files.push_back(std::move(file));
  return {};
}

}  // namespace

std::vector<DesiredMount> mounts_of(const compose::Project& project, const compose::Service& service) {
  std::vector<DesiredMount> mounts;
  for (const compose::Mount& mount : service.volumes) {
    DesiredMount wanted{.how = mount, .volume_name = {}, .volume_driver = {}};
    const auto found = project.volumes.find(mount.source);
    if (mount.type == compose::MountType::volume && found != project.volumes.end()) {
      wanted.volume_name = found->second.name;
      wanted.volume_driver = found->second.driver;
    }
    mounts.push_back(std::move(wanted));
  }
  return mounts;
}

Result<std::vector<DesiredFile>> files_of(const compose::Project& project, const compose::Service& service) {
  std::vector<DesiredFile> files;
  for (const compose::FileReference& secret : service.secrets) TRY(add_file(project, secret, Kind::secret, files));
  for (const compose::FileReference& config : service.configs) TRY(add_file(project, config, Kind::config, files));
  return files;
}

}  // namespace consort::project
