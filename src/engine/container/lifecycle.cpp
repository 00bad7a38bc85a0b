// What becomes of a container after its start: stop, kill, restart, pause, rename, remove, wait.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/files/reserve.hpp"
#include "engine/checks/validate.hpp"
#include "engine/container/volumes_along.hpp"
#include "engine/engine_impl.hpp"
#include "runtime/defaults.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

Result<supervisor::StopOptions> to_stop_options(const StopOptions& options) {
  supervisor::StopOptions translated;
  translated.cancel_fd = options.cancel_fd;
  if (options.timeout) translated.timeout = std::chrono::ceil<supervisor::Milliseconds>(*options.timeout);
  if (options.signal.empty()) return translated;
  const auto signal = runtime::signal_number(options.signal);
  if (!signal) return fail(Error(Code::invalid, "Invalid signal: " + options.signal));
  translated.signal = *signal;
  return translated;
}

}  // namespace

Result<> Engine::stop_container(const std::string& id, const StopOptions& options) {
  const supervisor::StopOptions translated = TRY(to_stop_options(options));
  const ContainerRecord record = TRY(impl_->load(id));
  if (!path_exists(supervisor::run_state_path(impl_->roots.project_run(record.summary.project), record.summary.id)))
    return impl_->records.release_leases(record.summary.id, Wanted::stopped);
  // Not locked: somebody else may want to end a long grace period by a second stop or a kill.
  TRY(impl_->client(record.summary.project).stop(record.summary.id, translated));
  TRY(impl_->records.release_leases(record.summary.id, Wanted::stopped));
  impl_->remove_shared_memory(record.summary.id);
  return impl_->unmount_unused(record);
}

Result<> Engine::kill_container(const std::string& id, const std::string& signal) {
  const auto number = runtime::signal_number(signal);
  if (!number) return fail(Error(Code::invalid, "Invalid signal: " + signal));
  const ContainerRecord record = TRY(impl_->load(id));
  if (!TRY(impl_->observe(record.summary.project, record.summary.id)).running()) {
    return fail(
        Error(Code::conflict, "cannot kill container: " + id + ": container " + record.summary.id + " is not running"));
  }
  const supervisor::Client client = impl_->client(record.summary.project);
  TRY(client.kill(record.summary.id, *number));
  // What cannot be refused has happened when the command returns; a container that handles its signal takes its time.
  // One that goes when it ends may have gone by then.
  if (*number == SIGKILL)
    if (auto ended = client.wait(record.summary.id); !ended && ended.error().code() != Code::not_found)
      return fail(std::move(ended).error());
  return impl_->records.set_wanted(record.summary.id, Wanted::stopped);
}

Result<> Engine::restart_container(const std::string& id, const StopOptions& options) {
  const supervisor::StopOptions translated = TRY(to_stop_options(options));
  const ContainerRecord record = TRY(impl_->load(id));
  const ContainerState state = TRY(impl_->observe(record.summary.project, record.summary.id));
  // What is stopped now could not be started again.
  if (Result<> room = check_room(impl_->roots.data); !room) {
    const std::string advice = room.error().hint_text();
    return fail(
        std::move(room).error().wrap("restart container", record.summary.name).hint("it was not stopped; " + advice));
  }
  if (state.running()) TRY(impl_->client(record.summary.project).stop(record.summary.id, translated));
  TRY(start_container(record.summary.id, {.cancel_fd = options.cancel_fd}));
  impl_->note(record.summary, "restart");
  return {};
}

Result<> Engine::pause_container(const std::string& id) {
  const ContainerRecord record = TRY(impl_->load(id));
  const ContainerState state = TRY(impl_->observe(record.summary.project, record.summary.id));
  if (state.status == Status::paused)
    return fail(Error(Code::conflict, "Container " + record.summary.id + " is already paused"));
  if (!state.running()) return fail(Error(Code::conflict, "container " + record.summary.id + " is not running"));
  return impl_->client(record.summary.project).pause(record.summary.id);
}

Result<> Engine::unpause_container(const std::string& id) {
  const ContainerRecord record = TRY(impl_->load(id));
  const ContainerState state = TRY(impl_->observe(record.summary.project, record.summary.id));
  if (state.status != Status::paused)
    return fail(Error(Code::conflict, "Container " + record.summary.id + " is not paused"));
  return impl_->client(record.summary.project).unpause(record.summary.id);
}

Result<> Engine::rename_container(const std::string& id, const std::string& name) {
  TRY(validate_name(name));
  ContainerRecord record = TRY(impl_->load(id));
  const std::string before = std::exchange(record.summary.name, name);
  if (before == name) return {};
  return impl_->records.rename_container(record.summary.id, name,
                                         impl_->container_event(record.summary, "rename", {{"oldName", "/" + before}}));
}

Result<int> Engine::wait_container(const std::string& id) {
  const ContainerRecord record = TRY(impl_->load(id));
  const ContainerState state = TRY(impl_->client(record.summary.project).wait(record.summary.id));
  if (state.exit_code) return *state.exit_code;
  if (!state.started_at) return 0;  // never started: Docker's wait says 0 as well
  return fail(Error(Code::io, "wait for container " + record.summary.name).why("its exit code is unknown"));
}

Result<> Engine::end_project(const std::string& project) {
  return impl_->client(project).end();
}

Result<> Engine::remove_container(const std::string& id, const RemoveOptions& options) {
  const ContainerRecord record = TRY(impl_->load(id));
  const Container& container = record.summary;
  Result<Fd> lock = impl_->lock_container(container.id);
  // A crash of the machine may have kept the removal of the directory and lost that of the record.
  if (!lock && lock.error().sys_errno() != ENOENT) return fail(std::move(lock).error());
  const supervisor::Client client = impl_->client(container.project);
  // Without that file nobody has started it since the machine was.
  const bool started =
      path_exists(supervisor::run_state_path(impl_->roots.project_run(container.project), container.id));
  if (started && options.force == Force::yes)
    TRY(client.stop(container.id, {.timeout = supervisor::Milliseconds(0), .signal = {}}));
  const bool alive = impl_->is_alive(container.project, container.id);
  if (alive && options.force == Force::yes) {
    return fail(Error(Code::busy, "remove container " + container.name)
                    .why("it is still running, and its supervisor is being replaced")
                    .hint("try again"));
  }
  Result<> forgotten = alive     ? Result<>(fail(Code::conflict, "running"))
                       : started ? client.forget(container.id)
                                 : Result<>();
  if (!forgotten && forgotten.error().code() == Code::conflict) {
    return fail(Error(Code::conflict, "cannot remove container \"" + container.name +
                                          "\": container is running: stop the container before removing or force "
                                          "remove"));
  }
  if (!forgotten) return forgotten;
  impl_->remove_shared_memory(container.id);
  TRY(impl_->unmount_unused(record));
  VolumesAlong volumes(*impl_);
  if (options.volumes == AnonymousVolumes::remove) volumes.hide(container);
  // The record first: what a crash leaves then is a directory that nobody names, and sweep() finds those.
  TRY(impl_->records.forget_container(container.id, impl_->container_event(container, "destroy"),
                                      [&](SQLite::Database& transaction) {
                                        image::Store::release_within(transaction, "container:" + container.id);
                                        volumes.forget_within(transaction);
                                      }));
  Result<> removed = volumes.finish();
  // Of one that goes when it ends nothing is ever started again: should a power cut bring back its record,
  // remove_left_behind() removes what is left of it.
  const Trash::Sync sync = record.spec.auto_remove ? Trash::Sync::no : Trash::Sync::yes;
  Result<> directory = Trash(impl_->roots.data + "/containers").remove(impl_->container_directory(container.id), sync);
  if (!directory) removed = std::move(directory);
  if (!removed) return fail(std::move(removed).error().wrap("remove container", container.name));
  return {};
}

}  // namespace consort::engine
