// Volumes, directories, secrets and configs.
#include <cstdio>

#include "base/os/files/file.hpp"
#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

std::string octal(std::uint32_t mode) {
  char text[16];
  (void)std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

std::string joined(const compose::Strings& parts, const char* before) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? before : ",") + part;
  return text;
}

void add_volume(const Scope& scope, const project::DesiredService& service, const project::DesiredMount& mount,
                std::size_t number, ContainerUnit& unit) {
  compose::Strings options;
  if (mount.how.read_only) options.emplace_back("ro");
  if (mount.how.volume && mount.how.volume->nocopy) options.emplace_back("nocopy");
  const std::string behind = mount.how.target + joined(options, ":");
  if (mount.how.source.empty()) {
    scope.note(service, {"volumes", std::to_string(number)},
               "the content of the anonymous volume at " + mount.how.target + " is removed whenever its unit stops",
               "give the volume a name");
    return unit.text("Volume", "--volume", behind);
  }
  const auto known = scope.project.volumes.find(mount.how.source);
  const bool external = known == scope.project.volumes.end() || known->second.external;
  const std::string name = mount.volume_name.empty() ? mount.how.source : mount.volume_name;
  if (external) return unit.text("Volume", "--volume", name + ":" + behind);
  if (scope.is_quadlet()) return unit.text("Volume", "", scope.unit(mount.how.source) + ".volume:" + behind);
  unit.text("", "--volume", name + ":" + behind);
  unit.needs.push_back(scope.service_of(mount.how.source, "volume"));
}

void add_bind(const project::DesiredMount& mount, ContainerUnit& unit) {
  compose::Strings options;
  if (mount.how.read_only) options.emplace_back("ro");
  if (const auto& bind = mount.how.bind) {
    if (!bind->propagation.empty()) options.push_back(bind->propagation);
    if (!bind->selinux.empty()) options.push_back(bind->selinux);
    if (bind->recursive == "disabled") options.emplace_back("bind");
    // Podman requires it to exist.
    if (bind->create_host_path)
      unit.before.push_back("/bin/sh -c 'test -e \"$$0\" || mkdir -p \"$$0\"' " + command_word(mount.how.source));
  }
  unit.text("Volume", "--volume", mount.how.source + ":" + mount.how.target + joined(options, ":"));
}

void add_tmpfs(const project::DesiredMount& mount, ContainerUnit& unit) {
  std::string text = "type=tmpfs,destination=" + mount.how.target;
  if (mount.how.tmpfs && mount.how.tmpfs->size) text += ",tmpfs-size=" + std::to_string(mount.how.tmpfs->size);
  if (mount.how.tmpfs && mount.how.tmpfs->mode) text += ",tmpfs-mode=" + octal(mount.how.tmpfs->mode);
  if (mount.how.read_only) text += ",ro=true";
  unit.text("Mount", "--mount", text);
}

// A secret stored by Podman, under a project-specific name if the file defines its own.
void add_kept_secret(const Scope& scope, const project::DesiredService& service, const project::DesiredFile& file,
                     ContainerUnit& unit) {
  const compose::FileObject& object = scope.project.secrets.at(file.key);
  std::string text = object.name + ",type=mount,target=" + file.path + ",mode=" + octal(file.mode);
  if (file.uid) text += ",uid=" + std::to_string(file.uid);
  if (file.gid) text += ",gid=" + std::to_string(file.gid);
  unit.word("Secret", "--secret", text);
  if (file.external) return;
  scope.note(service, {"secrets"}, "the content of secret \"" + file.key + "\" is not written into units",
             "printf %s \"$" + object.environment + "\" | podman secret create " + object.name + " -");
}

}  // namespace

void add_mounts(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  for (std::size_t i = 0; i < service.mounts.size(); ++i) {
    const project::DesiredMount& mount = service.mounts[i];
    switch (mount.how.type) {
      case compose::MountType::volume:
        add_volume(scope, service, mount, i, unit);
        break;
      case compose::MountType::bind:
        add_bind(mount, unit);
        break;
      case compose::MountType::tmpfs:
        add_tmpfs(mount, unit);
        break;
      case compose::MountType::image:
        unit.text("Mount", "--mount", "type=image,source=" + mount.how.source + ",destination=" + mount.how.target);
        break;
      case compose::MountType::npipe:
      case compose::MountType::cluster:
        break;  // reported by the table of fates
    }
  }
  for (const std::string& each : service.container.tmpfs) unit.text("Tmpfs", "--tmpfs", each);
  for (const std::string& each : service.container.volumes_from) {
    constexpr std::string_view of_container = "container:";
    if (each.starts_with(of_container)) {
      unit.text("", "--volumes-from", each.substr(of_container.size()));
      continue;
    }
    const std::size_t colon = each.find(':');
    const std::string other = each.substr(0, colon);
    unit.text("", "--volumes-from",
              container_of(scope, other) + (colon == std::string::npos ? "" : each.substr(colon)));
    unit.needs.push_back(scope.unit(other) + ".service");
  }
}

void add_files(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  using Kind = project::DesiredFile::Kind;
  for (const project::DesiredFile& file : service.files) {
    if (!file.host_file.empty()) {
      unit.text("Volume", "--volume", file.host_file + ":" + file.path + ":ro");
    } else if (file.kind == Kind::secret) {
      add_kept_secret(scope, service, file, unit);
    } else if (file.external) {
      scope.note(service, {"configs"}, "config \"" + file.key + "\" is left out: Podman has no such store",
                 "use `file` or `content`");
    } else {
      const Beside beside = scope.add_beside(file.key, file.content, file.mode);
      unit.options.push_back(
          {"Volume", "--volume", beside.path + ":" + file.path + ":ro", Option::Form::text, beside.directory});
    }
  }
}

void add_volume_unit(const Scope& scope, const std::string& key, const compose::Volume& volume) {
  const std::string comment = "Volume \"" + key + "\" of the Compose project \"" + scope.project.name + "\"";
  std::vector<Option> options;
  if (!volume.driver.empty() && volume.driver != "local")
    options.push_back({"Driver", "--driver", volume.driver, Option::Form::text});
  for (const auto& [name, value] : volume.labels)
    options.push_back({"Label", "--label", name + "=" + value, Option::Form::word});
  for (const auto& [name, value] : volume.driver_opts)
    options.push_back({"", "--opt", name + "=" + value, Option::Form::text});
  if (scope.is_quadlet()) {
    UnitText text(comment);
    text.section("Volume");
    text.set("VolumeName", command_value(volume.name));
    add_keys(options, text);
    return scope.add(scope.unit(key) + ".volume", text.text());
  }
  std::vector<std::string> words{"/usr/bin/podman", "volume", "create"};
  add_words(options, words);
  words.push_back(command_word(volume.name));
  scope.add(scope.service_of(key, "volume"), once_text(comment, {"volume", volume.name}, words));
}

}  // namespace consort::units
