#include "project/exec/image_build.hpp"

#include <memory>
#include <optional>

#include "base/strings.hpp"
#include "base/version.hpp"
#include "build/failure.hpp"
#include "image/transfer.hpp"
#include "network/sandbox.hpp"
#include "project/exec/build_log.hpp"

namespace consort::project {

namespace {

void add_secrets(const compose::Project& project, const compose::Build& from, build::BuildRequest& request) {
  for (const compose::FileReference& reference : from.secrets) {
    const auto found = project.secrets.find(reference.source);
    if (found == project.secrets.end()) continue;
    build::Secret secret{.id = reference.target.empty() ? reference.source : reference.target,
                         .file = found->second.file};
    if (!found->second.environment.empty()) secret.environment = found->second.environment;
    request.secrets.push_back(std::move(secret));
  }
}

void add_contexts(const compose::Project& project, const compose::Build& from, build::BuildRequest& request) {
  for (const auto& [name, value] : from.additional_contexts) {
    const std::string prefix = "service:";
    if (!value.starts_with(prefix)) {
      request.additional_contexts.push_back({name, value});
      continue;
    }
    const auto other = project.services.find(value.substr(prefix.size()));
    if (other != project.services.end())
      request.additional_contexts.push_back({name, "docker-image://" + image_name(project, other->second)});
  }
}

compose::Strings environment_of(const compose::Project& project) {
  compose::Strings result;
  for (const auto& [key, value] : project.environment) result.push_back(key + "=" + value);
  return result;
}

}  // namespace

build::BuildRequest build_request(const compose::Project& project, const compose::Service& service,
                                  const RunDetail& detail) {
  const compose::Build& from = *service.build;
  build::BuildRequest request;
  request.context = from.context;
  if (!from.dockerfile.empty()) request.dockerfile = from.dockerfile;
  if (!from.dockerfile_inline.empty()) request.dockerfile_inline = from.dockerfile_inline;
  for (const auto& [key, value] : from.args)
    if (value) request.args[key] = *value;
  for (const auto& [key, value] : detail.build_args) request.args[key] = value;
  request.target = from.target;
  request.tags = {image_name(project, service)};
  for (const std::string& tag : from.tags) request.tags.push_back(tag);
  request.labels = from.labels;
  request.labels[label::project] = project.name;
  request.labels[label::service] = service.name;
  request.labels[label::version] = compose_version;
  add_secrets(project, from, request);
  add_contexts(project, from, request);
  for (const compose::SshKey& key : from.ssh) request.ssh.push_back({key.id, key.path});
  for (const std::string& entry : detail.ssh) {
    const std::size_t equals = entry.find('=');
    request.ssh.push_back(
        {entry.substr(0, equals), equals == std::string::npos ? std::string() : entry.substr(equals + 1)});
  }
  request.cache_from = from.cache_from;
  request.cache_to = from.cache_to;
  if (!from.network.empty()) request.network = from.network;
  for (const auto& [name, addresses] : from.extra_hosts)
    for (const std::string& address : addresses) request.extra_hosts.push_back(name + "=" + address);
  if (from.shm_size > 0) request.shm_size_bytes = static_cast<std::uint64_t>(from.shm_size);
  for (const auto& [name, limit] : from.ulimits) request.ulimits.push_back({name, limit.soft, limit.hard});
  if (!service.platform.empty()) request.platforms = {service.platform};
  request.entitlements = from.entitlements;
  if (from.privileged) request.entitlements.emplace_back("security.insecure");
  if (from.no_cache || detail.no_cache) request.cache = build::CacheUse::ignore;
  if (from.pull || detail.always_pull_base) request.pull = build::BasePull::always;
  if (detail.check_only) request.goal = build::Goal::check_only;
  return request;
}

Result<> build_image(Session& session, const compose::Service& service, const RunDetail& detail,
                     const Cancellation& cancel) {
  image::Store& store = session.engine.images();
  BuildLog log(session.progress, detail.build);
  build::BuildEnvironment environment{.store = store, .roots = session.engine.roots()};
  environment.cancel_fd = cancel.fd();
  environment.environment = environment_of(*session.project);
  environment.progress = [&log](const build::ProgressEvent& event) { log.event(event); };
  environment.pull = [&](const std::string& reference, const std::string& platform,
                         build::BasePull when) -> Result<std::string> {
    image::PullOptions options;
    if (!platform.empty()) options.platform = TRY(image::Platform::parse(platform));
    options.policy =
        when == build::BasePull::always ? image::PullOptions::Policy::always : image::PullOptions::Policy::missing;
    options.cancel = cancel.token();
    const image::Reference parsed = TRY(image::Reference::parse(reference));
    return TRY(image::pull(store, parsed, options)).image.id;
  };
  std::optional<HostLink> link;  // made by the first RUN step
  environment.network = [&link]() -> Result<build::BuildEnvironment::Network> {
    if (!link) link = TRY(HostLink::open());
    auto sandbox = std::make_shared<BuildSandbox>(TRY(create_build_sandbox(*link, random_id())));
    build::BuildEnvironment::Network network;
    network.netns = TRY(duplicate(sandbox->sandbox.netns.get()));
    network.resolv_conf = sandbox->resolv_conf;
    // Rules that could not be taken away are swept by the next command.
    network.release = [sandbox] { (void)destroy_build_sandbox(std::move(*sandbox)); };
    return network;
  };
  std::string failed_step;
  environment.failed = [&failed_step](const build::StepFailure& failure) { failed_step = build::render(failure); };
  auto built = build::build(build_request(*session.project, service, detail), environment);
  if (!built) {
    Error error = std::move(built).error();
    if (!failed_step.empty()) error.data().hint = failed_step;
    return fail(std::move(error));
  }
  log.warnings(built->warnings);
  return {};
}

}  // namespace consort::project
