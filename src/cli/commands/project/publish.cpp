// publish: pushes a project's Compose files to a registry as an artifact.
#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/config_parts.hpp"
#include "cli/commands/project/push_services.hpp"
#include "cli/render/confirm.hpp"
#include "cli/workspace.hpp"
#include "engine/documents.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/publish/artifact.hpp"
#include "project/publish/findings.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t text_limit = 4 << 20;

// The mount in the short form of a Compose file.
std::string shown(const compose::Mount& mount) {
  return mount.source + ":" + mount.target + (mount.read_only ? ":ro" : ":rw");
}

std::string question_of_binds(const std::map<std::string, std::vector<compose::Mount>>& binds) {
  std::string text =
      "you are about to publish bind mounts declaration within your OCI artifact.\n"
      "only the bind mount declarations will be added to the OCI artifact (not content)\n"
      "please double check that you are not mounting potential user's sensitive directories or data\n";
  for (const auto& [service, mounts] : binds) {
    text += service;
    for (const compose::Mount& mount : mounts) text += (mounts.size() > 1 ? "\n  " : "") + shown(mount);
    text += "\n";
  }
  return text + "Are you ok to publish these bind mount declarations?";
}

std::string question_of_secrets(const std::vector<project::SensitiveValue>& values) {
  std::string text =
      "you are about to publish sensitive data within your OCI artifact.\n"
      "please double check that you are not leaking sensitive data\n";
  for (const project::SensitiveValue& each : values)
    text += each.kind + "\n\"" + each.place + "\": " + each.value + "\n";
  return text + "Are you ok to publish these sensitive data?";
}

using Variables = std::map<std::string, std::vector<std::string>>;  // "K=V" by service or config

std::string question_of_variables(const Variables& variables) {
  std::string text =
      "you are about to publish environment variables within your OCI artifact.\n"
      "please double check that you are not leaking sensitive data\n";
  for (const auto& [name, entries] : variables) text += "Service/Config  " + name + "\n" + join(entries, "\n") + "\n";
  return text + "Are you ok to publish these environment variables?";
}

// Without --with-env, neither the file nor a file that it names may contain any.
Result<Variables> variables_of(const compose::Project& project, const compose::Project& written, bool allowed) {
  Variables variables;
  std::string refused;
  for (const auto& [name, service] : project.services) {
    if (!written.services.at(name).env_file.empty()) refused += "service \"" + name + "\" has env_file declared.\n";
    if (service.environment.empty()) continue;
    refused += "service \"" + name + "\" has environment variable(s) declared.\n";
    for (const auto& [key, value] : service.environment) variables[name].push_back(key + "=" + value.value_or(""));
  }
  for (const auto& [name, config] : project.configs) {
    if (config.environment.empty()) continue;
    refused += "config \"" + name + "\" is declare as an environment variable.\n";
    variables[name].push_back(name + "=" + config.environment);
  }
  if (allowed || refused.empty()) return variables;
  return fail(
      Code::invalid,
      refused +
          "To avoid leaking sensitive data, you must either explicitly allow the sending of environment variables "
          "by using the --with-env flag,\nor remove sensitive data from your Compose configuration");
}

// The content of env files is published. The content of configs and secrets is not, but their owner may not want to
// reveal even their existence.
project::FileTexts named_files(const compose::Project& written) {
  project::FileTexts texts;
  const auto add = [](std::vector<std::string>& to, const std::string& path) {
    if (path.empty()) return;
    if (auto text = read_file(path, text_limit)) to.push_back(std::move(*text));
  };
  for (const auto& [name, service] : written.services)
    for (const compose::EnvFile& file : service.env_file) add(texts.env_files, file.path);
  for (const auto& [name, config] : written.configs) add(texts.others, config.file);
  for (const auto& [name, secret] : written.secrets) add(texts.others, secret.file);
  return texts;
}

bool agreed(const Invocation& invocation, const std::string& question) {
  return invocation.flags.on("yes") || confirm(invocation.terminal, question, Answer::no);
}

// The project with env files by name, as in the file.
Result<compose::Project> as_written(const Invocation& invocation) {
  compose::LoadOptions options = TRY(load_options(invocation, {}));
  options.resolve_env_files = compose::Switch::off;
  compose::LoadOutcome outcome = compose::load(options);
  if (!outcome.project) return std::unexpected(compose::to_error(outcome.diagnostics));
  return std::move(*outcome.project);
}

// Returns false if the user refuses.
Result<bool> check(const Invocation& invocation, const compose::Project& project) {
  const compose::Project written = TRY(as_written(invocation));
  if (const auto names = project::services_only_built(project); !names.empty()) {
    std::string text = "your Compose stack cannot be published as it only contains a build section for service(s):\n";
    for (const std::string& name : names) text += "- \"" + name + "\"\n";
    return fail(Error(Code::invalid, text).hint("set `image:`; the image is pushed when the project is published"));
  }
  if (const auto binds = project::host_binds(project); !binds.empty())
    if (!agreed(invocation, question_of_binds(binds))) return false;
  if (const auto secrets = project::sensitive_values(written, named_files(written)); !secrets.empty())
    if (!agreed(invocation, question_of_secrets(secrets))) return false;
  const Variables variables = TRY(variables_of(project, written, invocation.flags.on("with-env")));
  return variables.empty() || agreed(invocation, question_of_variables(variables));
}

// Pins images to the registry's digests, so that all users run the same ones.
Result<std::string> digests_of(const Invocation& invocation, compose::Project project) {
  if (!invocation.flags.on("resolve-image-digests") && !invocation.flags.on("app")) return std::string();
  TRY(pin_images(project));
  return compose::render_yaml(only_images(project));
}

// If a registry does not know OCI 1.1 artifacts, the push is repeated in the 1.0 format, unless a version was
// requested.
Result<image::Digest> push(project::Session& session, const image::Reference& reference, image::Documents documents,
                           const Invocation& invocation) {
  image::RegistryOptions options = project::registry_options(session);
  if (invocation.flags.on("insecure-registry")) options.insecure.push_back(reference.registry);
  for (const std::string& host : invocation.globals.list("insecure-registry")) options.insecure.push_back(host);
  const std::string version = invocation.flags.text("oci-version");
  if (version == "1.0") {
    project::set_types(documents, project::OciVersion::v1_0);
    return image::push_documents(reference, documents, options);
  }
  project::set_types(documents, project::OciVersion::v1_1);
  auto pushed = image::push_documents(reference, documents, options);
  if (pushed || version == "1.1" || pushed.error().http_status() != 400) return pushed;
  project::set_types(documents, project::OciVersion::v1_0);
  return image::push_documents(reference, documents, options);
}

}  // namespace

Result<int> run_publish(Invocation& invocation) {
  const std::string version = invocation.flags.text("oci-version");
  if (!version.empty() && version != "1.0" && version != "1.1")
    return fail(Code::invalid, "invalid --oci-version \"" + version + "\", must be \"1.0\" or \"1.1\"");
  if (!invocation.globals.has("profile")) invocation.globals.set("profile", "*");
  const auto workspace = TRY(Workspace::open(invocation, Need::file));
  project::Session& session = workspace->session();
  const compose::Project& project = project::loaded_project(session);
  const std::string& repository = invocation.arguments[0];
  const auto reference = TRY(image::Reference::parse(repository));
  if (!TRY(check(invocation, project))) return 0;
  TRY(push_services(*workspace, project::Detail::all, PushFailures::ignore));
  const std::string digests = TRY(digests_of(invocation, project));
  const image::Documents documents = TRY(project::project_documents(project, digests));
  session.progress.begin("Publishing");
  session.progress.event({.id = repository, .text = "publishing"});
  if (!invocation.dry_run) {
    auto pushed = push(session, reference, documents, invocation);
    if (!pushed) {
      session.progress.event({.id = repository, .text = "publishing", .outlook = project::Outlook::error});
      session.progress.finish();
      return std::unexpected(std::move(pushed).error());
    }
  }
  session.progress.event({.id = repository, .text = "published", .outlook = project::Outlook::done});
  session.progress.finish();
  return 0;
}

}  // namespace consort::cli
