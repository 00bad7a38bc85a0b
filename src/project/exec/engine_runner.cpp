#include "project/exec/engine_runner.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "engine/left_behind.hpp"
#include "project/desired/places.hpp"
#include "project/exec/conditions.hpp"
#include "project/exec/hooks.hpp"
#include "project/exec/image_build.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/model_runner.hpp"
#include "project/exec/port_holder.hpp"
#include "project/exec/pre_start.hpp"
#include "project/exec/provider.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/image_volumes.hpp"

namespace consort::project {

namespace {

const std::string& key_of(const Operation& operation) {
  return operation.object_id.empty() ? operation.target : operation.object_id;
}

engine::StopOptions stop_options(std::optional<int> timeout_seconds, const Cancellation& cancel) {
  engine::StopOptions options{.cancel_fd = cancel.user_fd()};
  if (timeout_seconds) options.timeout = std::chrono::seconds(*timeout_seconds);
  return options;
}

// The position in the file that a failed operation refers to.
Mark place_of(const Session& session, const Operation& operation, const Error& error) {
  if (!session.project) return {};
  const compose::Project& project = *session.project;
  if (operation.is<CreateNetwork>()) return locate_network(project, operation.target, error);
  if (operation.is<CreateVolume>()) return locate_volume(project, operation.target, error);
  const auto found = project.services.find(operation.service);
  if (found == project.services.end())
    return operation.service.empty() ? Mark{} : project.locate({"services", operation.service});
  const compose::Service& service = found->second;
  if (const RunPreStart* hook = operation.as<RunPreStart>())
    return project.locate({"services", operation.service, "pre_start", std::to_string(hook->index)});
  if (operation.is<RunProvider>()) return project.locate({"services", operation.service, "provider", "type"});
  if (operation.is<PullImage>()) return locate_setting(project, service, "image");
  if (operation.is<BuildImage>()) return locate_setting(project, service, "build");
  if (operation.is<AwaitCondition>()) return locate_setting(project, service, "healthcheck");
  return locate_cause(project, service, error);
}

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>  // clang 16 cannot deduce it by itself
Overloaded(Functions...)->Overloaded<Functions...>;

// A build that runs whether or not the pull succeeded.
bool builds_in_any_case(const Operation& operation) {
  const BuildImage* build = operation.as<BuildImage>();
  return build && !build->only_if_missing;
}

}  // namespace

EngineRunner::EngineRunner(Session& session, const RunDetail& detail, const Plan& plan)
    : session_(session),
      detail_(detail),
      build_log_(session.progress, detail.build,
                 std::ranges::count_if(plan.operations(), &Operation::is<BuildImage>) > 1 ? BuildLog::Builds::several
                                                                                          : BuildLog::Builds::one),
      starts_(std::ranges::any_of(plan.operations(), &Operation::is<StartContainer>)) {
  if (!session.project) return;
  compose::Strings services;
  for (const Operation& operation : plan.operations())
    if (builds_in_any_case(operation)) services.push_back(operation.service);
  build_groups_ = group_builds(*session.project, services, detail);
}

Result<> EngineRunner::run(const Operation& operation, const Cancellation& cancel) {
  Result<> outcome = perform(operation, cancel);
  if (outcome) return outcome;
  Error error = std::move(outcome).error();
  if (error.code() != Code::interrupted && !error.mark())
    if (Mark mark = place_of(session_, operation, error); mark.line != 0) error.data().at = std::move(mark);
  return fail(std::move(error));
}

Result<> EngineRunner::perform(const Operation& operation, const Cancellation& cancel) {
  engine::Engine& engine = session_.engine;
  const std::string& key = key_of(operation);
  return std::visit(Overloaded{
                        [](const Checkpoint&) { return Result<>(); },
                        [](const Keep&) { return Result<>(); },
                        [&](const PullImage&) { return pull(operation, cancel); },
                        [&](const BuildImage& how) { return build(operation, how, cancel); },
                        [&](const RemoveImage&) { return remove_image(operation); },
                        [&](const CreateNetwork& wanted) -> Result<> {
                          TRY(engine.create_network(*wanted.spec));
                          return {};
                        },
                        [&](const RemoveNetwork&) { return remove_network(operation); },
                        [&](const CreateVolume& wanted) -> Result<> {
                          TRY(engine.create_volume(*wanted.spec));
                          return {};
                        },
                        [&](const RemoveVolume&) { return unless_gone(engine.remove_volume(operation.target)); },
                        [&](const CreateContainer& wanted) { return create(operation, *wanted.spec); },
                        [&](const StartContainer&) { return start(operation, cancel); },
                        [&](const StopContainer& how) { return stop(operation, how, cancel); },
                        [&](const KillContainer& how) -> Result<> {
                          TRY(engine.kill_container(key, how.signal));
                          engine::see_off(engine, key, cancel.fd());
                          return {};
                        },
                        [&](const RestartContainer& how) {
                          return engine.restart_container(key, stop_options(how.timeout_seconds, cancel));
                        },
                        [&](const PauseContainer&) { return engine.pause_container(key); },
                        [&](const UnpauseContainer&) { return engine.unpause_container(key); },
                        [&](const RemoveContainer& how) {
                          const auto volumes =
                              how.anonymous_volumes ? engine::AnonymousVolumes::remove : engine::AnonymousVolumes::keep;
                          return unless_gone(engine.remove_container(key, {.volumes = volumes}));
                        },
                        [&](const RenameContainer& how) { return engine.rename_container(key, how.new_name); },
                        [&](const ConnectContainer& connect) { return engine.connect_network(key, *connect.endpoint); },
                        [&](const DisconnectContainer& disconnect) {
                          return unless_gone(engine.disconnect_network(key, disconnect.network));
                        },
                        [&](const AwaitCondition& wait) {
                          return await_condition(engine, session_.project_name, operation, wait.awaited, cancel,
                                                 detail_.limit_seconds);
                        },
                        [&](const RunHooks& run) { return run_hooks(session_, operation, run.hooks, detail_, cancel); },
                        [&](const RunPreStart& hook) { return pre_start(operation, hook, cancel); },
                        [&](const RunProvider& run) { return provide(operation, run, cancel); },
                        [&](const PrepareModel& wanted) { return prepare(operation, wanted, cancel); },
                    },
                    operation.action);
}

namespace {

// Records the ids of mounted images in labels, so that a later `up` sees that one has changed.
Result<> label_image_volumes(Session& session, engine::ContainerSpec& spec) {
  std::vector<std::string> made_of;
  for (const engine::MountSpec& mount : spec.mounts) {
    if (mount.type != engine::MountType::image) continue;
    if (const auto image = TRY(find_image(session, mount.source, "")))
      made_of.push_back(image_volume(mount.target, image->id));
  }
  if (!made_of.empty()) spec.labels[label::image_volumes] = join(made_of, ",");
  return {};
}

}  // namespace

Result<> EngineRunner::create(const Operation& operation, engine::ContainerSpec spec) {
  if (starts_) session_.engine.expect_start(session_.project_name);
  if (spec.image_id.empty()) {
    const auto image = TRY(find_image(session_, spec.image, spec.platform));
    if (!image) return fail(Code::not_found, "No such image: " + spec.image);
    spec.image_id = image->id;
    spec.labels[label::image] = image->id;
  }
  TRY(label_image_volumes(session_, spec));
  const engine::CreatedContainer created = TRY(session_.engine.create_container(spec));
  if (const std::string told = told_api_socket(spec); !told.empty())
    session_.progress.warn(operation.target + ": " + told);
  for (const std::string& warning : created.warnings) session_.progress.warn(operation.target + ": " + warning);
  return {};
}

Result<> EngineRunner::start(const Operation& operation, const Cancellation& cancel) {
  Result<> outcome = session_.engine.start_container(key_of(operation), {.cancel_fd = cancel.user_fd()});
  if (outcome && detail_.on_started) detail_.on_started(key_of(operation));
  if (outcome || !is_port_conflict(outcome.error())) return outcome;
  Error error = std::move(outcome).error();
  // The network code only sees that a keeper holds the port for a container; the project's name is what helps the user.
  PortHolderWords words = describe_port_holder(session_.engine, error);
  const bool unhelped = words.holder == PortHolderWords::Holder::process && error.hint_text().empty();
  if (words.holder == PortHolderWords::Holder::container || unhelped) error.data().hint = std::move(words.text);
  return fail(std::move(error));
}

Result<> EngineRunner::stop(const Operation& operation, const StopContainer& how, const Cancellation& cancel) {
  Result<> outcome = session_.engine.stop_container(key_of(operation), stop_options(how.timeout_seconds, cancel));
  if (outcome) engine::see_off(session_.engine, key_of(operation), cancel.fd());
  if (outcome || outcome.error().code() != Code::not_found) return outcome;
  // A supervisor does not know containers that it has never started; those are already stopped.
  const auto details = session_.engine.inspect(key_of(operation));
  return details && !details->state.running() ? Result<>() : std::move(outcome);
}

// An object that is already gone counts as removed. One that others still use stays, and the executor reports that.
Result<> EngineRunner::unless_gone(Result<> removed) {
  if (removed || removed.error().code() == Code::not_found) return {};
  return removed;
}

Result<> EngineRunner::remove_network(const Operation& operation) {
  auto network = session_.engine.inspect_network(key_of(operation));
  if (!network && network.error().code() == Code::not_found) return {};
  if (!network) return fail(std::move(network).error().wrap("remove network", operation.target));
  return unless_gone(session_.engine.remove_network(network->id));
}

Result<> EngineRunner::remove_image(const Operation& operation) {
  auto outcome = session_.engine.images().remove(operation.target);
  if (outcome) return {};
  if (outcome.error().code() == Code::not_found) {
    session_.progress.event(
        {.id = operation.shown, .status = "Warning: No resource found to remove", .outlook = Outlook::warning});
    return {};
  }
  return unless_gone(fail(std::move(outcome).error()));
}

Result<> EngineRunner::pull(const Operation& operation, const Cancellation& cancel) {
  std::string platform;
  if (session_.project)
    if (const auto found = session_.project->services.find(operation.service);
        found != session_.project->services.end())
      platform = found->second.platform;
  return pull_image(session_, operation.service, operation.target, platform, detail_.pull, cancel);
}

Result<> EngineRunner::build(const Operation& operation, const BuildImage& how, const Cancellation& cancel) {
  if (!session_.project) return fail(Code::internal, "build without a file");
  const compose::Service& service = *service_named(*session_.project, operation.service);
  if (how.only_if_missing) {
    if (TRY(find_image(session_, operation.target, service.platform))) return {};
    return build_images(session_, {&service}, detail_, cancel, build_log_);
  }
  const auto group = std::ranges::find_if(build_groups_, [&](const BuildGroup& services) {
    return std::ranges::find(services, &service) != services.end();
  });
  if (group == build_groups_.end()) return build_images(session_, {&service}, detail_, cancel, build_log_);
  const auto work = [&]() -> Result<bool> {
    TRY(build_images(session_, *group, detail_, cancel, build_log_));
    return true;
  };
  (void)TRY(builds_.once(group->front()->name, work));
  return {};
}

Result<> EngineRunner::pre_start(const Operation& operation, const RunPreStart& hook, const Cancellation& cancel) {
  TRY(create(operation, *hook.spec));
  return run_pre_start(session_, operation, hook, detail_, cancel);
}

Result<> EngineRunner::provide(const Operation& operation, const RunProvider& run, const Cancellation& cancel) {
  if (!session_.project) return fail(Code::internal, "a provider without a file");
  const compose::Project& project = *session_.project;
  const bool stops = run.command == ProviderCommand::stop;
  bool stopping = false;
  const auto say = [&](std::string status, Outlook outlook) {
    session_.progress.event({.id = operation.service, .status = std::move(status), .outlook = outlook});
  };
  ProviderListener listener;
  listener.info = [&](const std::string& line) { say(line, Outlook::working); };
  listener.stopping = [&] {
    say("Stopping", Outlook::working);
    stopping = true;
  };
  if (session_.debug)
    listener.debug = [&](const std::string& text) { session_.debug(operation.service + ": " + text); };
  const ProviderCall call{project.name, operation.service,   run.provider,
                          run.command,  project.environment, project.working_directory};
  ProviderAnswer answer = TRY(run_provider(call, listener, cancel));
  if (stops && stopping) say("Stopped", Outlook::done);
  if (detail_.on_provided) detail_.on_provided(operation.service, std::move(answer));
  return {};
}

Result<> EngineRunner::prepare(const Operation& operation, const PrepareModel& wanted, const Cancellation& cancel) {
  if (!session_.project) return fail(Code::internal, "a model without a file");
  const compose::Project& project = *session_.project;
  const ModelRunner runner = TRY(ModelRunner::find(project.environment, project.working_directory));
  ModelRunner::Listener listener;
  listener.status = [&](const std::string& status) {
    session_.progress.event({.id = operation.shown, .status = status, .outlook = Outlook::working});
  };
  listener.warn = [&](const std::string& text) { session_.progress.warn(text); };
  return runner.prepare(wanted, listener, cancel);
}

}  // namespace consort::project
