#include "project/exec/session.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "engine/images.hpp"
#include "engine/spec_changes.hpp"
#include "project/exec/engine_runner.hpp"
#include "project/exec/timings.hpp"

namespace consort::project {

namespace {

class TimedRunner final : public OperationRunner {
 public:
  TimedRunner(OperationRunner& runner, Timings& timings) : runner_(runner), timings_(timings) {}
  Result<> run(const Operation& operation, const Cancellation& cancel) override {
    const Moment from = std::chrono::steady_clock::now();
    Result<> outcome = runner_.run(operation, cancel);
    timings_.note(operation, from, std::chrono::steady_clock::now());
    return outcome;
  }

 private:
  OperationRunner& runner_;
  Timings& timings_;
};

std::string short_image(std::string_view id) {
  constexpr std::size_t digits = 12;
  return std::string(id.substr(id.find(':') + 1).substr(0, digits));
}

std::string change_line(const std::string& setting, const std::string& before, const std::string& after) {
  std::string text = before + " -> " + after;
  if (before.empty()) text = "added " + after;
  if (after.empty()) text = "removed (was " + before + ")";
  return "  " + setting + ": " + text + "\n";
}

std::string change_lines(const std::vector<engine::SpecChange>& changes) {
  std::string text;
  for (const engine::SpecChange& each : changes)
    text += each.secret ? "  " + each.setting + ": changed (not shown)\n"
                        : change_line(each.setting, each.before, each.after);
  return text;
}

// Lists the differences between the new container and the existing one, one per line. Empty if the existing one cannot
// be inspected.
std::string differences_of(Session& session, const Operation& operation, const engine::ContainerSpec& spec) {
  const auto there = session.engine.inspect(operation.object_id);
  if (!there) return "";
  std::string text = change_lines(engine::changes_between(there->spec, spec));
  if (!spec.image_id.empty() && spec.image_id != there->image_id)
    text += change_line("image id", short_image(there->image_id), short_image(spec.image_id));
  // The configuration hash also covers the content of configs and secrets, which is not stored and so cannot be
  // compared.
  if (text.empty() && !spec.files.empty() && operation.cause.starts_with("configuration"))
    text = "  configs or secrets: their content\n";
  return text;
}

std::string replaced_network(Session& session, const Operation& operation, const engine::NetworkSpec& spec) {
  const auto there = session.engine.inspect_network(operation.target);
  if (!there || there->spec.name != operation.target) return "";
  return operation.shown + " would be recreated, and its containers connected to the new one: " + operation.cause +
         "\n" + change_lines(engine::changes_between(there->spec, spec));
}

// Printed by --dry-run in addition to Docker Compose's output: why an existing object is replaced or removed.
std::string reasons_of(Session& session, const Plan& plan) {
  std::string text;
  for (const Operation& operation : plan.operations()) {
    if (const auto* network = operation.as<CreateNetwork>())
      text += replaced_network(session, operation, *network->spec);
    const bool replaces = operation.is<CreateContainer>() && operation.before == "Recreate";
    const bool removes = operation.is<RemoveContainer>() && !operation.before.empty();
    if (operation.cause.empty() || (!replaces && !removes)) continue;
    text += operation.shown + (replaces ? " would be replaced: " : " would be removed: ") + operation.cause + "\n";
    if (const auto* create = operation.as<CreateContainer>()) text += differences_of(session, operation, *create->spec);
  }
  return text;
}

bool waits_for_all(const Plan& plan) {
  return std::ranges::any_of(plan.operations(), [](const Operation& operation) {
    const AwaitCondition* condition = operation.as<AwaitCondition>();
    return condition && condition->awaited == Awaited::running_or_healthy;
  });
}

// timings: null if they are not wanted.
Result<> carry_out(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail,
                   Timings* timings) {
  if (plan.empty()) {
    for (const std::string& warning : plan.warnings) session.progress.warn(warning);
    return {};
  }
  session.progress.begin(title);
  ExecuteOptions options{.parallel = session.parallel, .interrupt_fd = session.interrupt_fd};
  // The limit applies to the whole plan only if the plan waits for everything (`--wait`). Any other plan may take as
  // long as it needs; the limit then applies to the conditions that dependents wait for.
  if (waits_for_all(plan)) options.limit_seconds = detail.limit_seconds;
  Result<> outcome;
  if (session.dry_run == DryRun::yes) {
    DryRunner runner;
    outcome = execute(plan, runner, session.progress, options);
    if (const std::string reasons = reasons_of(session, plan); !reasons.empty()) session.progress.output(reasons);
  } else {
    EngineRunner runner(session, detail, plan);
    if (timings) {
      timings->begin(plan);
      TimedRunner timed(runner, *timings);
      outcome = execute(plan, timed, session.progress, options);
    } else {
      outcome = execute(plan, runner, session.progress, options);
    }
  }
  session.progress.finish();
  return outcome;
}

}  // namespace

Result<> execute(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail) {
  return carry_out(session, plan, title, detail, nullptr);
}

Result<> execute_timed(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail,
                       Timings& timings) {
  return carry_out(session, plan, title, detail, &timings);
}

Result<std::optional<image::Image>> find_image(Session& session, const std::string& name, const std::string& platform) {
  if (platform.empty()) return session.engine.images().look_up(name);
  return session.engine.images().look_up(name, TRY(image::Platform::parse(platform)));
}

Result<Observed> observe(Session& session, Look look) {
  Observed observed;
  observed.containers = TRY(session.engine.list({.project = session.project_name}));
  const auto hooks = std::ranges::stable_partition(observed.containers, std::not_fn(is_hook));
  observed.hooks.assign(std::make_move_iterator(hooks.begin()), std::make_move_iterator(hooks.end()));
  observed.containers.erase(hooks.begin(), hooks.end());
  if (look == Look::containers) return observed;
  observed.networks = TRY(session.engine.list_networks());
  observed.volumes = TRY(session.engine.list_volumes());
  if (!session.project) return observed;
  for (const auto& [name, service] : session.project->services) {
    for (const compose::Mount& mount : service.volumes)
      if (mount.type == compose::MountType::image && !observed.images.contains(mount.source))
        if (const auto found = TRY(find_image(session, mount.source, ""))) observed.images[mount.source] = found->id;
    const std::string key = image_key(*session.project, service);
    if (observed.images.contains(key)) continue;
    if (const auto found = TRY(find_image(session, image_name(*session.project, service), service.platform)))
      observed.images[key] = found->id;
  }
  for (const auto& [name, service] : session.project->services) {
    if (service.container_name.empty()) continue;
    const auto holder = session.engine.inspect(service.container_name);
    if (holder && holder->name == service.container_name && holder->project != session.project_name)
      observed.taken_names.emplace(service.container_name, *holder);
  }
  return observed;
}

}  // namespace consort::project
