#include "runtime/bundle/container_directory.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/files/has_name.hpp"
#include "base/os/processes/process_stat.hpp"
#include "runtime/inspect.hpp"

namespace consort::runtime {

namespace internal {

namespace {

constexpr std::size_t most_bytes = std::size_t{8} << 20;

std::unexpected<Error> missing() {
  return fail(Error(Code::not_found, "container does not exist"));
}

// False if it has ended and only waits to be reaped, or if the pid now belongs to another process.
bool runs(pid_t pid, std::uint64_t start_time) {
  if (pid <= 0) return false;
  const auto stat = stat_fields_of(pid);
  return stat && stat->started() == start_time && !stat->has_ended();
}

}  // namespace

Result<> check_id(const std::string& id) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
  if (id.empty()) return fail(Code::invalid, "container id cannot be empty");
  if (id.size() > 255 || id == "." || id == ".." || id.find_first_not_of(allowed) != std::string::npos)
    return fail(Error(Code::invalid, "invalid container id format").on("\"" + id + "\""));
  return {};
}

Result<ContainerDirectory> ContainerDirectory::make(const std::string& root, const std::string& id) {
  TRY(check_id(id));
  // Root's directory is searchable for users whose own directories are below it; a user's run root is private.
  TRY(make_directories(root, ::geteuid() == 0 ? 0711 : 0700));
  ContainerDirectory container;
  container.id_ = id;
  container.directory_ = root + "/" + id;
  if (::mkdir(container.directory_.c_str(), 0700) != 0) {
    if (errno == EEXIST) return fail(Error(Code::conflict, "container with given ID already exists").on(id));
    return fail_errno("create directory", container.directory_);
  }
  container.lock_ = TRY(open_file(container.directory_, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(container.lock_.get(), container.directory_));
  return container;
}

Result<ContainerDirectory> ContainerDirectory::lock(const std::string& root, const std::string& id) {
  TRY(check_id(id));
  ContainerDirectory container;
  container.id_ = id;
  container.directory_ = root + "/" + id;
  Result<Fd> directory = open_file(container.directory_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return directory.error().code() == Code::not_found ? missing() : fail(std::move(directory).error());
  container.lock_ = std::move(*directory);
  TRY(lock_exclusive(container.lock_.get(), container.directory_));
  // It may have been removed, and even created again, while we waited.
  if (!has_name(container.lock_.get(), container.directory_)) return missing();
  TRY(container.load());
  return container;
}

Result<ContainerDirectory> ContainerDirectory::look(const std::string& root, const std::string& id) {
  TRY(check_id(id));
  ContainerDirectory container;
  container.id_ = id;
  container.directory_ = root + "/" + id;
  const Result<Fd> directory = open_file(container.directory_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory)
    return directory.error().code() == Code::not_found ? missing()
                                                       : fail(Error(directory.error().code(), "look at").on(id));
  container.busy_ = ::flock(directory->get(), LOCK_SH | LOCK_NB) != 0;
  TRY(container.load());
  return container;
}

// A directory without a record belongs to a create that was killed at once.
Result<> ContainerDirectory::load() {
  const Result<std::string> text = read_file(path("state.json"), most_bytes);
  if (!text)
    return text.error().code() == Code::not_found ? Result<>()
                                                  : fail(Error(text.error().code(), "read state of").on(id_));
  const Json json = TRY(parse_json(*text, path("state.json")));
  record.oci_version = get_string(json, "ociVersion");
  record.bundle = get_string(json, "bundle");
  record.rootfs = get_string(json, "rootfs");
  record.created = get_string(json, "created");
  record.owner = get_string(json, "owner");
  record.cgroup = get_string(json, "cgroup");
  record.own_cgroup = get_bool(json, "ownCgroup", true);
  record.host_mounts = get_bool(json, "hostMounts");
  record.complete = get_bool(json, "complete");
  record.started = get_bool(json, "started");
  record.pid = fitting<pid_t>(get_int(json, "pid")).value_or(0);
  record.start_time = static_cast<std::uint64_t>(get_int(json, "startTime"));
  return {};
}

Result<> ContainerDirectory::save() const {
  const Json json = {{"ociVersion", record.oci_version},
                     {"bundle", record.bundle},
                     {"rootfs", record.rootfs},
                     {"created", record.created},
                     {"owner", record.owner},
                     {"cgroup", record.cgroup},
                     {"ownCgroup", record.own_cgroup},
                     {"hostMounts", record.host_mounts},
                     {"complete", record.complete},
                     {"started", record.started},
                     {"pid", record.pid},
                     {"startTime", record.start_time}};
  return write_file_atomic(path("state.json"), dump_json(json), 0600);
}

// Renamed away first: a half-removed container must not be found.
Result<> ContainerDirectory::remove() const {
  return remove_tree(directory_);
}

Result<Spec> ContainerDirectory::config() const {
  return load_spec(directory_);
}

bool ContainerDirectory::alive() const {
  return runs(record.pid, record.start_time);
}

BundleStatus ContainerDirectory::status() const {
  if (!record.complete && busy_) return BundleStatus::creating;
  if (!alive()) return BundleStatus::stopped;
  if (!record.complete) return BundleStatus::creating;
  // A start that was killed after opening the gate has not recorded that.
  if (!record.started && is_being_set_up(record.pid)) return BundleStatus::created;
  if (!record.cgroup.empty() && Cgroup::open(record.cgroup).is_frozen().value_or(false)) return BundleStatus::paused;
  return BundleStatus::running;
}

BundleState ContainerDirectory::state() const {
  return state_as(status());
}

BundleState ContainerDirectory::state_as(BundleStatus status) const {
  BundleState state;
  state.id = id_;
  state.status = status;
  state.pid = status == BundleStatus::stopped ? 0 : record.pid;
  state.oci_version = record.oci_version;
  state.bundle = record.bundle;
  state.rootfs = record.rootfs;
  state.created = record.created;
  state.owner = record.owner;
  if (const Result<Spec> spec = config()) state.annotations = spec->annotations;
  return state;
}

}  // namespace internal

std::string_view to_string(BundleStatus status) {
  switch (status) {
    case BundleStatus::creating:
      return "creating";
    case BundleStatus::created:
      return "created";
    case BundleStatus::running:
      return "running";
    case BundleStatus::paused:
      return "paused";
    case BundleStatus::stopped:
      return "stopped";
  }
  return "stopped";
}

std::string state_json(const BundleState& state) {
  Json json = {{"ociVersion", state.oci_version},   {"id", state.id},         {"pid", state.pid},
               {"status", to_string(state.status)}, {"bundle", state.bundle}, {"rootfs", state.rootfs},
               {"created", state.created}};
  if (!state.annotations.empty()) json["annotations"] = state.annotations;
  json["owner"] = state.owner;
  return dump_json(json, 2);
}

}  // namespace consort::runtime
