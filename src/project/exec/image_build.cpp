#include "project/exec/image_build.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/strings.hpp"
#include "base/version.hpp"
#include "build/failure.hpp"
#include "image/transfer.hpp"
#include "network/sandbox.hpp"
#include "project/exec/build_caches.hpp"
#include "project/exec/build_log.hpp"
#include "project/exec/image_pull.hpp"

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
    if (const compose::Service* other = service_named(project, value.substr(prefix.size())))
      request.additional_contexts.push_back({name, "docker-image://" + image_name(project, *other)});
  }
}

// The one to be run here: this machine's if it is among them.
const std::string& chosen_platform(const compose::Strings& platforms) {
  const image::Platform host = image::Platform::host();
  for (const std::string& text : platforms)
    if (const auto platform = image::Platform::parse(text); platform && platform->text() == host.text()) return text;
  return platforms.front();
}

// As in Docker Compose: `build` makes all that the file lists, what is about to run something makes what it runs.
compose::Strings wanted_platforms(const compose::Service& service, const RunDetail& detail) {
  const compose::Strings& listed = service.build->platforms;
  if (detail.all_platforms && !listed.empty()) return listed;
  if (!service.platform.empty()) return {service.platform};
  if (!listed.empty()) return {chosen_platform(listed)};
  return {};
}

// Attributes that do nothing here: said by name, never dropped in silence.
void warn_of_unused(Session& session, const compose::Service& service) {
  const compose::Build& build = *service.build;
  const auto warn = [&](const std::string& attribute, const std::string& why) {
    session.progress.warn("service " + service.name + ": build." + attribute + " is ignored: " + why);
  };
  for (const auto& [name, value] : {std::pair{"provenance", build.provenance}, std::pair{"sbom", build.sbom}})
    if (!value.empty() && value != "false") warn(name, "images are built without attestations");
  if (!build.isolation.empty() && build.isolation != "default") warn("isolation", "only Windows has it");
  warn_of_unused_caches(session, service);
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
  request.no_cache_filter = from.no_cache_filter;
  request.directory = project.working_directory;
  if (!from.network.empty()) request.network = from.network;
  for (const auto& [name, addresses] : from.extra_hosts)
    for (const std::string& address : addresses) request.extra_hosts.push_back(name + "=" + address);
  if (from.shm_size > 0) request.shm_size_bytes = static_cast<std::uint64_t>(from.shm_size);
  for (const auto& [name, limit] : from.ulimits) request.ulimits.push_back({name, limit.soft, limit.hard});
  request.platforms = wanted_platforms(service, detail);
  request.entitlements = from.entitlements;
  if (from.privileged) request.entitlements.emplace_back("security.insecure");
  if (from.no_cache || detail.no_cache) request.cache = build::CacheUse::ignore;
  if (from.pull || detail.always_pull_base) request.pull = build::BasePull::always;
  return request;
}

namespace {

using PullBase = std::function<Result<std::string>(const std::string&, const std::string&, build::BasePull)>;

PullBase pull_through(Session& session, const Cancellation& cancel) {
  return [&session, &cancel](const std::string& reference, const std::string& platform,
                             build::BasePull when) -> Result<std::string> {
    image::PullOptions options;
    if (!platform.empty()) options.platform = TRY(image::Platform::parse(platform));
    options.policy =
        when == build::BasePull::always ? image::PullOptions::Policy::always : image::PullOptions::Policy::missing;
    options.cancel = cancel.token();
    options.registry = registry_options(session);
    const image::Reference parsed = TRY(image::Reference::parse(reference));
    return TRY(image::pull(session.engine.images(), parsed, options)).image.id;
  };
}

build::BuildEnvironment environment_for(Session& session, const Cancellation& cancel) {
  build::BuildEnvironment environment{.store = session.engine.images(), .roots = session.engine.roots()};
  environment.cancel_fd = cancel.fd();
  environment.environment = environment_of(*session.project);
  environment.pull = pull_through(session, cancel);
  return environment;
}

// The networks of a build's RUN steps; the link to the host is made by the first of them.
class StepNetworks {
 public:
  explicit StepNetworks(std::string run_root) : run_root_(std::move(run_root)) {}

  Result<build::BuildEnvironment::Network> make() {
    if (!link_) {
      link_ = TRY(HostLink::open());
      (void)sweep_build_sandboxes(run_root_);
    }
    auto sandbox = std::make_shared<BuildSandbox>(TRY(create_build_sandbox(*link_, random_id(), run_root_)));
    build::BuildEnvironment::Network network;
    network.netns = TRY(duplicate(sandbox->sandbox.netns.get()));
    network.resolv_conf = sandbox->resolv_conf;
    network.host_gateway = sandbox->host_gateway;
    // Rules that could not be taken away are swept like those of any interface that is gone.
    network.release = [sandbox] { (void)destroy_build_sandbox(std::move(*sandbox)); };
    return network;
  }

 private:
  std::string run_root_;
  std::optional<HostLink> link_;
};

// As docker tells it: the place in the Dockerfile, then what was wrong. A mark without a line says that the place is
// shown already.
Error shown_as_docker_does(Error error, const std::string& excerpt) {
  Error shown = Error(error.code()).why(excerpt + "failed to solve: " + error.message()).hint(error.hint_text());
  shown.data().at = error.mark() ? Mark{.file = error.mark()->file} : Mark{};
  return shown;
}

Mark place_of_build(const compose::Project& project, const compose::Service& service) {
  return project.locate({"services", service.name, "build"});
}

}  // namespace

std::vector<BuildGroup> group_builds(const compose::Project& project, const compose::Strings& services,
                                     const RunDetail& detail) {
  std::vector<BuildGroup> groups;
  std::vector<build::BuildRequest> requests;  // parallel: without what may differ
  for (const std::string& name : services) {
    const compose::Service& service = *service_named(project, name);
    build::BuildRequest request = build_request(project, service, detail);
    request.tags.clear();
    request.labels.clear();
    const auto known = std::ranges::find(requests, request);
    if (known != requests.end()) {
      groups[static_cast<std::size_t>(known - requests.begin())].push_back(&service);
      continue;
    }
    requests.push_back(std::move(request));
    groups.push_back({&service});
  }
  return groups;
}

Result<> build_images(Session& session, const BuildGroup& services, const RunDetail& detail, const Cancellation& cancel,
                      BuildLog& log) {
  const compose::Service& service = *services.front();
  build::BuildRequest request = build_request(*session.project, service, detail);
  for (const compose::Service* each : services) {
    warn_of_unused(session, *each);
    if (each == &service) continue;
    build::BuildRequest other = build_request(*session.project, *each, detail);
    request.more_outputs.push_back({each->name, std::move(other.tags), std::move(other.labels)});
  }
  build::BuildEnvironment environment = environment_for(session, cancel);
  StepNetworks networks(session.engine.roots().run);
  environment.network = [&networks] { return networks.make(); };
  environment.progress = [&](const build::ProgressEvent& event) {
    log.event(event.image.empty() ? service.name : event.image, event);
  };
  std::string excerpt;
  environment.failed = [&](const build::StepFailure& failure) {
    log.failure(service.name, failure);
    excerpt = build::render_excerpt(failure.file, failure.text, failure.line, failure.end_line);
  };
  auto built = build::build(request, environment);
  if (!built) {
    if (built.error().code() == Code::interrupted) return std::unexpected(std::move(built).error());
    const bool of_dockerfile = built.error().mark() || !excerpt.empty();
    Error shown = shown_as_docker_does(std::move(built).error(), excerpt);
    if (!of_dockerfile)
      shown.data().at = place_of_build(*session.project, service);  // the line that asks for the build
    return fail(std::move(shown));
  }
  log.warnings(built->warnings);
  if (detail.explain) log.explanations(service.name, built->explanations);
  return {};
}

Result<CheckedImage> check_image(Session& session, const compose::Service& service, const RunDetail& detail) {
  const Cancellation cancel = TRY(Cancellation::create());
  build::BuildEnvironment environment = environment_for(session, cancel);
  std::string excerpt;
  environment.failed = [&](const build::StepFailure& failure) {
    excerpt = build::render_excerpt(failure.file, failure.text, failure.line, failure.end_line);
  };
  build::BuildRequest request = build_request(*session.project, service, detail);
  request.goal = build::Goal::check_only;
  auto checked = build::build(request, environment);
  if (!checked) return fail(shown_as_docker_does(std::move(checked).error(), excerpt));
  return CheckedImage{check_report(service.name, checked->warnings, checked->dockerfile_text),
                      checked->warnings.empty()};
}

void warn_of_outdated_images(Session& session, const RunDetail& detail, const std::set<std::string>& built) {
  image::Store& store = session.engine.images();
  build::BuildEnvironment environment{.store = store, .roots = session.engine.roots()};
  environment.environment = environment_of(*session.project);
  for (const auto& [name, service] : session.project->services) {
    if (!service.build || built.contains(name)) continue;
    const auto image = find_image(session, image_name(*session.project, service), service.platform);
    if (!image || !*image) continue;
    const auto why = build::why_outdated(build_request(*session.project, service, detail), environment, (*image)->id);
    if (why && *why)
      session.progress.warn("the image of service " + name + " is older than its sources (" + **why +
                            "): --build makes a new one");
  }
}

}  // namespace consort::project
