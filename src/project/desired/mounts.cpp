// A service's volumes, secrets and configs.
#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "project/desired/parts.hpp"

namespace consort::project {

namespace {

using Kind = DesiredFile::Kind;

// uid or gid. Has no effect on a file that is mounted from the host: it keeps its owner.
Result<std::uint32_t> owner_of(const compose::FileObject& object, const std::string& key, const std::string& text,
                               const compose::Service& service) {
  if (text.empty()) return 0;
  const auto number = parse_unsigned(text);
  const auto owner = number ? fitting<std::uint32_t>(*number) : std::nullopt;
  if (owner || !object.file.empty()) return owner.value_or(0);
  return fail(Error(Code::invalid, "invalid " + key + " \"" + text + "\" of \"" + object.name + "\"")
                  .hint("use a number: names are not resolved")
                  .at(service.mark));
}

Result<> add_file(const compose::Project& project, const compose::Service& service,
                  const compose::FileReference& reference, Kind kind, std::vector<DesiredFile>& files) {
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
                   .mark = object.mark};
  file.uid = TRY(owner_of(object, "uid", reference.uid, service));
  file.gid = TRY(owner_of(object, "gid", reference.gid, service));
  // In an included file, the variable may come from that file's own env file; the value has been filled in already
  // then.
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
  for (const compose::FileReference& secret : service.secrets)
    TRY(add_file(project, service, secret, Kind::secret, files));
  for (const compose::FileReference& config : service.configs)
    TRY(add_file(project, service, config, Kind::config, files));
  return files;
}

}  // namespace consort::project
