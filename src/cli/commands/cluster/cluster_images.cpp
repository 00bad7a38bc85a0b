#include "cli/commands/cluster/cluster_images.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/processes/own_programs.hpp"
#include "base/sha256.hpp"
#include "cli/commands/project/push_services.hpp"
#include "engine/images.hpp"
#include "kube/wait_image.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/image_pull.hpp"
#include "project/plan/images.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

Result<std::string> with_digest(project::Session& session, const image::Reference& reference) {
  return reference.name() + "@" + TRY(image::resolve_digest(reference, project::registry_options(session))).text();
}

// Builds an image with one layer, which contains only the program.
Result<> make_wait_image(Workspace& workspace, const std::string& program, const image::Reference& name) {
  const Fd tar = TRY(kube::pack_wait_program(program));
  image::ImportOptions options;
  options.names.push_back(name);
  options.config.entrypoint = {std::string("/") + kube::wait_program};
  options.config.created = "1970-01-01T00:00:00Z";
  options.comment = "made by consort";
  (void)TRY(workspace.engine().images().import(tar.get(), options));
  return {};
}

Result<std::string> push_wait_image(Workspace& workspace, const std::string& registry) {
  project::Session& session = workspace.session();
  const std::string program = TRY(find_own_program(kube::wait_program));
  // The tag is derived from the content: an image with this name in the registry is this one, whoever pushed it.
  const std::string tag = sha256_hex(TRY(read_file(program))).substr(0, 12);
  const image::Reference name = TRY(image::Reference::parse(registry + "/" + kube::wait_program + ":" + tag));
  auto known = with_digest(session, name);
  if (known || known.error().code() == Code::interrupted) return known;
  if (session.dry_run == project::DryRun::yes) return "";
  TRY(make_wait_image(workspace, program, name));
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  TRY(project::push_image(session, kube::wait_program, registry + "/" + kube::wait_program + ":" + tag, "",
                          project::Detail::quiet, cancel));
  return with_digest(session, name);
}

}  // namespace

bool builds_images(const compose::Project& project) {
  return std::ranges::any_of(project.services, [](const auto& each) { return each.second.build.has_value(); });
}

Result<> name_images(compose::Project& project, const std::string& registry) {
  for (auto& [name, service] : project.services) {
    if (!service.build) continue;
    if (!registry.empty()) {
      service.image = registry + "/" + project::image_name(project, service);
    } else if (service.image.find('/') == std::string::npos) {
      return fail(Error(Code::invalid, "bring the image of service \"" + name + "\" to the cluster")
                      .why("it is built here, but the cluster needs a registry to pull it from")
                      .hint("use --registry HOST[/PATH], CONSORT_REGISTRY, or an `image:` that names a registry")
                      .at(service.mark));
    }
  }
  return {};
}

Result<std::map<std::string, std::string>> images_for_cluster(Workspace& workspace, Build build) {
  project::Session& session = workspace.session();
  if (build == Build::yes) TRY(project::execute(session, project::plan_build(*session.project), "Building", {}));
  std::map<std::string, std::string> images;
  if (session.dry_run == project::DryRun::yes && build == Build::yes) return images;
  if (build == Build::yes) TRY(push_services(workspace, project::Detail::all, PushFailures::stop));
  for (const auto& [name, service] : session.project->services)
    if (service.build) images[name] = TRY(with_digest(session, TRY(image::Reference::parse(service.image))));
  return images;
}

bool pods_wait(const compose::Project& project) {
  const auto any = [&](const auto& fits) {
    return std::ranges::any_of(project.services, fits) || std::ranges::any_of(project.disabled_services, fits);
  };
  return any([](const auto& each) { return each.second.build.has_value(); }) &&
         any([](const auto& each) { return !each.second.depends_on.empty(); });
}

Result<std::string> wait_image_for_cluster(Workspace& workspace, const std::string& registry) {
  if (registry.empty()) return "";
  return push_wait_image(workspace, registry);
}

}  // namespace consort::cli
