// The build of a project's image.
#include "base/os/files/file.hpp"
#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

std::vector<Option> options_of(const Scope& scope, const compose::Build& build, const std::string& image) {
  std::vector<Option> options{{"ImageTag", "--tag", image}};
  const auto text = [&](const char* key, const char* flag, const std::string& value) {
    if (!value.empty()) options.push_back({key, flag, value});
  };
  for (const std::string& tag : build.tags) text("ImageTag", "--tag", tag);
  text("Target", "--target", build.target);
  text("Network", "--network", build.network);
  for (const auto& [name, value] : build.args) text("", "--build-arg", name + (value ? "=" + *value : ""));
  for (const auto& [name, value] : build.labels)
    options.push_back({"Label", "--label", name + "=" + value, Option::Form::word});
  if (build.no_cache) options.push_back({"", "--no-cache", {}, Option::Form::on});
  if (build.pull) text("Pull", "--pull", "always");
  for (const auto& [host, addresses] : build.extra_hosts)
    for (const std::string& address : addresses) text("", "--add-host", host + ":" + address);
  for (const auto& [name, where] : build.additional_contexts) text("", "--build-context", name + "=" + where);
  for (const std::string& each : build.cache_from) text("", "--cache-from", each);
  for (const std::string& each : build.cache_to) text("", "--cache-to", each);
  for (const std::string& each : build.platforms) text("", "--platform", each);
  for (const compose::SshKey& key : build.ssh) text("", "--ssh", key.id + (key.path.empty() ? "" : "=" + key.path));
  for (const compose::FileReference& each : build.secrets)
    if (const auto found = scope.project.secrets.find(each.source); found != scope.project.secrets.end()) {
      const std::string& id = each.target.empty() ? each.source : each.target;
      const compose::FileObject& object = found->second;
      text("", "--secret", "id=" + id + (object.file.empty() ? ",env=" + object.environment : ",src=" + object.file));
    }
  if (build.shm_size) text("", "--shm-size", std::to_string(build.shm_size));
  for (const auto& [name, limit] : build.ulimits)
    text("", "--ulimit", name + "=" + std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
  return options;
}

// The value of --file; "": none, because the file has its usual name in a remote context. Podman itself looks for a
// file name in such a context.
std::string dockerfile_of(const compose::Build& build) {
  const bool is_local = build.context.starts_with('/');  // every path is absolute by now
  if (!is_local) return build.dockerfile;
  return join_path(build.context, build.dockerfile.empty() ? "Dockerfile" : build.dockerfile);
}

}  // namespace

Result<> add_build_unit(const Scope& scope, const project::DesiredService& service) {
  const compose::Service& file = file_of(scope, service);
  const compose::Build& build = *file.build;
  const std::string comment = "Image of \"" + service.name + "\" of the Compose project \"" + scope.project.name + "\"";
  const std::string image = TRY(full_image(scope, service.image.name));
  const std::vector<Option> options = options_of(scope, build, image);
  const std::string dockerfile = dockerfile_of(build);
  const bool is_inline = !build.dockerfile_inline.empty();
  if (scope.is_quadlet()) {
    const std::string directory = scope.unit(service.name) + "-build";  // the service's, in the run-time directory
    UnitText text(comment);
    text.section("Build");
    text.set("SetWorkingDirectory", command_value(build.context));
    if (is_inline || !dockerfile.empty())
      text.set("File", is_inline ? "%t/" + directory + "/Dockerfile" : command_value(dockerfile));
    add_keys(options, text);
    text.section("Service");
    text.set("TimeoutStartSec", "infinity");
    if (is_inline) {  // Quadlet does not support a file next to a .build
      text.set("RuntimeDirectory", directory);
      text.set("ExecStartPre", "/bin/sh -c 'printf %%s \"$$0\" >\"$$RUNTIME_DIRECTORY/Dockerfile\"' " +
                                   command_word(build.dockerfile_inline));
    }
    scope.add(scope.unit(service.name) + ".build", text.text());
    return {};
  }
  std::vector<std::string> words{"/usr/bin/podman", "build"};
  if (is_inline) {
    const Beside beside = scope.add_beside(service.name + "-dockerfile", build.dockerfile_inline, 0600);
    words.push_back(word_of({"", "--file", beside.path, Option::Form::text, beside.directory}));
  } else if (!dockerfile.empty()) {
    words.push_back(command_word("--file=" + dockerfile));
  }
  add_words(options, words);
  words.push_back(command_word(build.context));
  scope.add(scope.service_of(service.name, "build"),
            once_text(comment, {"image", image, file.pull_policy == "build"}, words));
  return {};
}

}  // namespace consort::units
