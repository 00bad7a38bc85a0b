#include "project/verbs/up.hpp"

#include "engine/images.hpp"
#include "project/desired/places.hpp"
#include "project/exec/image_build.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/exec/timings.hpp"
#include "project/verbs/providers.hpp"

namespace consort::project {

Result<std::map<std::string, LocalImage>> local_images(Session& session) {
  std::map<std::string, LocalImage> local;
  const auto look = [&](const std::string& key, const std::string& name, const std::string& platform) -> Result<> {
    if (name.empty() || local.contains(key)) return {};
    if (const auto found = TRY(find_image(session, name, platform))) local[key] = {found->id, found->last_tagged};
    return {};
  };
  for (const auto& [key, service] : loaded_project(session).services) {
    auto looked = look(image_key(loaded_project(session), service), image_name(loaded_project(session), service),
                       service.platform);
    if (!looked)
      return fail(std::move(looked)
                      .error()
                      .wrap("look for the image of service", key)
                      .at(locate_setting(loaded_project(session), service, "image")));
    for (const compose::PreStartHook& hook : service.pre_start)
      if (!hook.own.image.empty())
        TRY(look(image_key(loaded_project(session), hook.container), hook.own.image, hook.container.platform));
    for (const compose::Mount& mount : service.volumes)
      if (mount.type == compose::MountType::image) TRY(look(mount.source, mount.source, ""));
  }
  return local;
}

namespace {

// Executes a plan: execute(), with or without timings.
using CarryOut = std::function<Result<>(const Plan& plan, std::string_view title)>;

Result<> ensure_images_by(Session& session, const ImageOptions& options, const RunDetail& detail,
                          const CarryOut& carry_out) {
  const auto local = TRY(local_images(session));
  const Plan plan = TRY(plan_images(loaded_project(session), local, options));
  std::set<std::string> built;
  for (const Operation& operation : plan.operations())
    if (operation.is<BuildImage>()) built.insert(operation.service);
  if (!built.empty() && session.dry_run == DryRun::no && session.before_builds) session.before_builds();
  warn_of_outdated_images(session, detail, built);
  return carry_out(plan, built.empty() ? "Pulling" : "Building");
}

Result<> bring_up_by(Session& session, const UpOptions& options, const CarryOut& carry_out) {
  TRY(ensure_images_by(session, options.images, options.detail, carry_out));
  TRY(ask_providers(session, options.detail));
  const Observed observed = TRY(observe(session, Look::everything));
  ConvergeOptions converge = options.converge;
  converge.provided = session.provided;
  const Plan plan = TRY(plan_converge(loaded_project(session), observed, converge));
  const char* title = options.converge.after == AfterCreate::nothing ? "Creating" : "Running";
  return carry_out(plan, title);
}

}  // namespace

Result<> ensure_images(Session& session, const ImageOptions& options, const RunDetail& detail) {
  return ensure_images_by(session, options, detail, [&](const Plan& plan, std::string_view title) {
    return execute(session, plan, title, detail);
  });
}

Result<> bring_up(Session& session, const UpOptions& options) {
  return bring_up_by(session, options, [&](const Plan& plan, std::string_view title) {
    return execute(session, plan, title, options.detail);
  });
}

Result<> bring_up_timed(Session& session, const UpOptions& options, Timings& timings) {
  return bring_up_by(session, options, [&](const Plan& plan, std::string_view title) {
    return execute_timed(session, plan, title, options.detail, timings);
  });
}

}  // namespace consort::project
