#include "project/exec/engine_runner.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <iterator>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "project/exec/conditions.hpp"
#include "project/exec/image_build.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/port_holder.hpp"

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

// The one of the service's volumes, or its tmpfs, that is mounted there. Empty for what the file does not have, such as
// an image's own volume.
compose::Strings mount_at(const compose::Service& service, const std::string& target) {
  const auto volume = std::ranges::find_if(
      service.volumes, [&](const auto& each) { return !each.target.empty() && clean_path(each.target) == target; });
  if (volume != service.volumes.end()) return {"volumes", std::to_string(volume - service.volumes.begin())};
  const bool is_tmpfs = std::ranges::any_of(
      service.tmpfs, [&](const std::string& each) { return clean_path(each.substr(0, each.find(':'))) == target; });
  return is_tmpfs ? compose::Strings{"tmpfs"} : compose::Strings{};
}

// The attribute of the service, or part of one, that an error of the engine is about; empty if none.
compose::Strings attribute_of(const compose::Service& service, const Error& error) {
  switch (error.subject()) {
    case Subject::port:
      return {"ports"};
    case Subject::container_name:
      return {"container_name"};
    case Subject::user:
      return {"user"};
    case Subject::working_directory:
      return {"working_dir"};
    case Subject::program:
      return {service.entrypoint && !service.entrypoint->empty() ? "entrypoint" : "command"};
    case Subject::mount:
      return mount_at(service, error.subject_name());
    default:
      return {};
  }
}

// The part of the file that a failed operation is about.
Mark place_of(const Session& session, const Operation& operation, const Error& error) {
  if (!session.project || operation.service.empty()) return {};
  const auto under_service = [&](const compose::Strings& attribute) {
    compose::Strings path{"services", operation.service};
    std::ranges::copy(attribute, std::back_inserter(path));
    return session.project->locate(path);
  };
  if (operation.is<PullImage>()) return under_service({"image"});
  if (operation.is<BuildImage>()) return under_service({"build"});
  if (operation.is<AwaitCondition>()) return under_service({"healthcheck"});
  const auto found = session.project->services.find(operation.service);
  return under_service(found == session.project->services.end() ? compose::Strings{}
                                                                : attribute_of(found->second, error));
}

// Until the descriptor is readable; the user does not want to wait: `give_up` is called.
Result<> until_readable(int fd, const Cancellation& cancel, const std::function<void()>& give_up) {
  std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{cancel.user_fd(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) < 0)
    if (errno != EINTR) return fail_errno("poll");
  if (fds[0].revents) return {};
  give_up();
  return fail(Code::interrupted, "interrupted");
}

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>  // clang 16 does not deduce it by itself
Overloaded(Functions...)->Overloaded<Functions...>;

// Of a build that is carried out whatever a pull has brought.
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
                                                                                          : BuildLog::Builds::one) {
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
                        [&](const KillContainer& how) { return engine.kill_container(key, how.signal); },
                        [&](const RestartContainer& how) {
                          return engine.restart_container(key, stop_options(how.timeout_seconds, cancel));
                        },
                        [&](const PauseContainer&) { return engine.pause_container(key); },
                        [&](const UnpauseContainer&) { return engine.unpause_container(key); },
                        [&](const RemoveContainer& how) {
                          const auto volumes =
                              how.anonymous_volumes ? engine::AnonymousVolumes::remove : engine::AnonymousVolumes::keep;
                          return engine.remove_container(key, {.volumes = volumes});
                        },
                        [&](const RenameContainer& how) { return engine.rename_container(key, how.new_name); },
                        [&](const AwaitCondition& wait) {
                          return await_condition(engine, session_.project_name, operation, wait.awaited, cancel);
                        },
                        [&](const RunHooks& run) { return run_hooks(key, run.hooks, cancel); },
                    },
                    operation.action);
}

Result<> EngineRunner::create(const Operation& operation, engine::ContainerSpec spec) {
  if (spec.image_id.empty()) {
    const auto image = TRY(find_image(session_, spec.image, spec.platform));
    if (!image) return fail(Code::not_found, "No such image: " + spec.image);
    spec.image_id = image->id;
    spec.labels[label::image] = image->id;
  }
  const engine::CreatedContainer created = TRY(session_.engine.create_container(spec));
  for (const std::string& warning : created.warnings) session_.progress.warn(operation.target + ": " + warning);
  return {};
}

Result<> EngineRunner::start(const Operation& operation, const Cancellation& cancel) {
  Result<> outcome = session_.engine.start_container(key_of(operation), {.cancel_fd = cancel.user_fd()});
  if (outcome && detail_.on_started) detail_.on_started(key_of(operation));
  if (outcome || !is_port_conflict(outcome.error())) return outcome;
  Error error = std::move(outcome).error();
  // The network only sees a keeper's process on a port that a container has; the project is what helps the user.
  PortHolderWords words = describe_port_holder(session_.engine, error);
  const bool unhelped = words.holder == PortHolderWords::Holder::process && error.hint_text().empty();
  if (words.holder == PortHolderWords::Holder::container || unhelped) error.data().hint = std::move(words.text);
  return fail(std::move(error));
}

Result<> EngineRunner::stop(const Operation& operation, const StopContainer& how, const Cancellation& cancel) {
  Result<> outcome = session_.engine.stop_container(key_of(operation), stop_options(how.timeout_seconds, cancel));
  if (outcome || outcome.error().code() != Code::not_found) return outcome;
  // A supervisor does not know containers that it has never started: those are stopped already.
  const auto details = session_.engine.inspect(key_of(operation));
  return details && !details->state.running() ? Result<>() : std::move(outcome);
}

// What is gone already is removed. What others still use stays: the executor says so.
Result<> EngineRunner::unless_gone(Result<> removed) {
  if (removed || removed.error().code() == Code::not_found) return {};
  return removed;
}

Result<> EngineRunner::remove_network(const Operation& operation) {
  const auto network = session_.engine.inspect_network(key_of(operation));
  if (!network)
    return network.error().code() == Code::not_found
               ? Result<>()
               : Result<>(fail(Error(Code::io, "remove network").on(operation.target).why(network.error().message())));
  // Stopped containers of a project that is changed keep their endpoints: those go first.
  for (const std::string& id : network->container_ids) (void)session_.engine.disconnect_network(id, network->id);
  return unless_gone(session_.engine.remove_network(network->id));
}

Result<> EngineRunner::remove_image(const Operation& operation) {
  const auto outcome = session_.engine.images().remove(operation.target);
  if (outcome) return {};
  if (outcome.error().code() == Code::not_found) {
    session_.progress.event(
        {.id = operation.shown, .status = "Warning: No resource found to remove", .outlook = Outlook::warning});
    return {};
  }
  return unless_gone(fail(Error(outcome.error().code(), outcome.error().message())));
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

Result<> EngineRunner::run_hooks(const std::string& container, const std::vector<compose::Hook>& hooks,
                                 const Cancellation& cancel) {
  for (const compose::Hook& hook : hooks) {
    engine::ExecSpec spec;
    spec.argv = hook.command.value_or(compose::Strings{});
    spec.user = hook.user;
    spec.working_dir = hook.working_dir;
    spec.privileged = hook.privileged;
    for (const auto& [key, value] : hook.environment) spec.environment.push_back(value ? key + "=" + *value : key);
    auto process = TRY(session_.engine.exec(container, spec));
    TRY(until_readable(process.fd(), cancel, [&] { (void)process.kill(SIGKILL); }));
    const int code = TRY(process.wait());
    if (code != 0) return fail(Code::conflict, "a hook exited with status " + std::to_string(code));
  }
  return {};
}

}  // namespace consort::project
