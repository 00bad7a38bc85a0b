#include "project/exec/image_build.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/strings.hpp"
#include "base/version.hpp"
#include "engine/images.hpp"
#include "project/exec/build_caches.hpp"
#include "project/exec/build_log.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/plan/images.hpp"

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

// The platform to run: this machine's, if it is in the list.
const std::string& chosen_platform(const compose::Strings& platforms) {
  const image::Platform host = image::Platform::host();
  for (const std::string& text : platforms)
    if (const auto platform = image::Platform::parse(text); platform && platform->text() == host.text()) return text;
  return platforms.front();
}

// As in Docker Compose: `build` builds every platform in the file; a command that is about to run the image builds only
// the platform that it runs.
compose::Strings wanted_platforms(const compose::Service& service, const RunDetail& detail) {
  const compose::Strings& listed = service.build->platforms;
  if (detail.all_platforms && !listed.empty()) return listed;
  if (!service.platform.empty()) return {service.platform};
  if (!listed.empty()) return {chosen_platform(listed)};
  return {};
}

// Warns about attributes that have no effect here; none is ignored silently.
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

// Rejects what the classic builder cannot do, as Docker Compose does: the same file would fail elsewhere.
Result<> check_classic_builder(const compose::Project& project, const compose::Service& service,
                               const build::BuildRequest& request) {
  if (!wants_classic_builder(project)) return {};
  const compose::Build& build = *service.build;
  const char* what = request.platforms.size() > 1         ? "multi-arch build"
                     : build.privileged                   ? "privileged mode"
                     : !build.additional_contexts.empty() ? "additional contexts"
                     : !build.ssh.empty()                 ? "SSH keys"
                     : !build.secrets.empty()             ? "secrets"
                                                          : nullptr;
  if (!what) return {};
  return fail(Error(Code::unsupported, std::string("the classic builder doesn't support ") + what +
                                           ", set DOCKER_BUILDKIT=1 to use BuildKit"));
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

engine::BuildRun run_for(Session& session, const Cancellation& cancel) {
  engine::BuildRun run;
  run.warn = registry_options(session).warn;
  run.cancel_fd = cancel.fd();
  run.cancel = cancel.token();
  run.environment = environment_of(loaded_project(session));
  return run;
}

// As in docker: the position in the Dockerfile first, then the error. A mark without a line means that the position has
// been shown already.
Error shown_as_docker_does(Error error, const std::string& excerpt) {
  Mark at = error.mark() ? Mark{.file = error.mark()->file} : Mark{};
  std::vector<Error> also = std::move(error.data().also);
  Error shown = std::move(error).wrap(excerpt + "failed to solve");
  shown.data().at = std::move(at);
  shown.data().also = std::move(also);
  return shown;
}

Mark place_of_build(const compose::Project& project, const compose::Service& service) {
  return project.locate({"services", service.name, "build"});
}

}  // namespace

std::vector<BuildGroup> group_builds(const compose::Project& project, const compose::Strings& services,
                                     const RunDetail& detail) {
  std::vector<BuildGroup> groups;
  std::vector<build::BuildRequest> requests;  // parallel to the above, without the parts that may differ
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
  build::BuildRequest request = build_request(loaded_project(session), service, detail);
  TRY(check_classic_builder(loaded_project(session), service, request));
  for (const compose::Service* each : services) {
    warn_of_unused(session, *each);
    if (each == &service) continue;
    build::BuildRequest other = build_request(loaded_project(session), *each, detail);
    request.more_outputs.push_back({each->name, std::move(other.tags), std::move(other.labels)});
  }
  engine::BuildRun run = run_for(session, cancel);
  run.progress = [&](const build::ProgressEvent& event) {
    log.event(event.image.empty() ? service.name : event.image, event);
  };
  std::string excerpt;
  run.failed = [&](const build::StepFailure& failure) {
    log.failure(service.name, failure);
    excerpt = build::render_excerpt(failure.file, failure.text, failure.line, failure.end_line);
  };
  auto built = session.engine.builds().run(request, run);
  if (!built) {
    if (built.error().code() == Code::interrupted) return std::unexpected(std::move(built).error());
    const bool of_dockerfile = built.error().mark() || !excerpt.empty();
    Error shown = shown_as_docker_does(std::move(built).error(), excerpt);
    if (!of_dockerfile)
      shown.data().at = place_of_build(loaded_project(session), service);  // the line that requests the build
    return fail(std::move(shown));
  }
  log.warnings(built->warnings);
  if (detail.explain) log.explanations(service.name, built->explanations);
  return {};
}

Result<CheckedImage> check_image(Session& session, const compose::Service& service, const RunDetail& detail) {
  const Cancellation cancel = TRY(Cancellation::create());
  engine::BuildRun run = run_for(session, cancel);
  std::string excerpt;
  run.failed = [&](const build::StepFailure& failure) {
    excerpt = build::render_excerpt(failure.file, failure.text, failure.line, failure.end_line);
  };
  build::BuildRequest request = build_request(loaded_project(session), service, detail);
  request.goal = build::Goal::check_only;
  auto checked = session.engine.builds().run(request, run);
  if (!checked) return fail(shown_as_docker_does(std::move(checked).error(), excerpt));
  return CheckedImage{check_report(service.name, checked->warnings, checked->dockerfile_text),
                      checked->warnings.empty()};
}

namespace {

// True if the build context is mounted over its copy in the image, so that the container does not see the copy.
bool sees_its_sources(const compose::Service& service) {
  const std::string& context = service.build->context;
  return std::ranges::any_of(service.volumes, [&](const compose::Mount& mount) {
    return mount.type == compose::MountType::bind && (context + "/").starts_with(mount.source + "/");
  });
}

}  // namespace

void warn_of_outdated_images(Session& session, const RunDetail& detail, const std::set<std::string>& built) {
  const compose::Strings environment = environment_of(loaded_project(session));
  for (const auto& [name, service] : loaded_project(session).services) {
    if (!service.build || built.contains(name) || sees_its_sources(service)) continue;
    const auto image = find_image(session, image_name(loaded_project(session), service), service.platform);
    if (!image || !*image) continue;
    const auto why = session.engine.builds().why_outdated(build_request(loaded_project(session), service, detail),
                                                          (*image)->id, environment);
    if (why && *why)
      session.progress.warn("the image of service " + name + " is older than its sources (" + **why +
                            "): use --build to rebuild it");
  }
}

}  // namespace consort::project
