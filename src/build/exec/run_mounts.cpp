#include "build/exec/run_mounts.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/files/lock_holder.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/exec/destination.hpp"
#include "runtime/external.hpp"
#include "runtime/launch.hpp"

namespace consort::build {

class MountMaker {
 public:
  MountMaker(Shared& shared, StageRuns& runs, const std::string& directory, RunMounts& out)
      : shared_(shared), runs_(runs), directory_(directory), out_(out) {}

  Result<> add(const PlannedMount& planned) {
    const RunMount& mount = planned.mount;
    switch (mount.type) {
      case RunMount::Type::bind:
        return add_bind(planned);
      case RunMount::Type::cache:
        return add_cache(planned);
      case RunMount::Type::tmpfs:
        out_.mounts.push_back({{}, mount.target, false, mount.size_bytes});
        return {};
      case RunMount::Type::secret:
        return add_secret(mount);
      case RunMount::Type::ssh:
        return add_ssh(mount);
    }
    return {};
  }

 private:
  std::string new_directory() { return directory_ + "/mount-" + std::to_string(counter_++); }

  // Mounts a stage's merged files on the host, only for this thread.
  Result<std::string> mount_stage(std::size_t node, bool read_only) {
    const FinishedStage* stage = TRY(runs_.wait_for(node));
    const std::string target = new_directory();
    TRY(make_directories(target));
    runtime::OverlayRoot overlay;
    overlay.lower.assign(stage->files.layers.directories.rbegin(), stage->files.layers.directories.rend());
    if (overlay.lower.empty()) return target;
    if (!read_only) {
      overlay.upper = new_directory();
      overlay.work = new_directory();
      overlay.sync = runtime::OverlaySync::never;
      TRY(make_directories(overlay.upper));
      TRY(make_directories(overlay.work));
    }
    TRY(runtime::mount_rootfs(overlay, target));
    out_.mounted_.push_back(target);
    return target;
  }

  // Writes to a mount of the context must not reach the context, ignored files must not be visible, and everything must
  // belong to root, whatever its owner here. Empty: the context can be mounted as it is.
  Result<std::string> copy_of_context(const std::string& source, bool read_only) {
    CopyOperation everything;
    everything.wildcards = false;
    const auto selection = TRY(select(*shared_.context, everything, source));
    const auto foreign = [](const FileEntry& entry) { return entry.uid != 0 || entry.gid != 0; };
    const bool owned = std::ranges::none_of(
        selection, [&](const Selected& selected) { return std::ranges::any_of(selected.entries, foreign); });
    if (read_only && owned && shared_.context->ignore().empty()) return std::string();
    const std::string target = new_directory();
    TRY(make_directories(target));
    const Fd root = TRY(open_file(target, O_RDONLY | O_DIRECTORY));
    CopySettings settings;
    settings.owner = OwnerIds{};
    settings.origin = CopySettings::Origin::context;
    settings.canceled = [this] { return runs_.stopping(); };
    for (const auto& selected : selection) TRY(copy_into(*shared_.context, selected, root.get(), "/content", settings));
    return target + "/content";
  }

  Result<> add_bind(const PlannedMount& planned) {
    const RunMount& mount = planned.mount;
    std::string source;
    if (planned.from) {
      SourceTree* tree = TRY(runs_.tree_of(*planned.from));
      const std::string path = TRY(tree->resolve(mount.source));
      source = TRY(mount_stage(*planned.from, mount.read_only));
      if (!path.empty()) source += "/" + path;
    } else if (!shared_.context) {
      return fail(Error(Code::invalid).why("there is no build context to mount"));
    } else if (source = TRY(copy_of_context(mount.source, mount.read_only)); source.empty()) {
      source = join_path(shared_.context->name(), TRY(shared_.context->resolve(mount.source)));
    }
    out_.mounts.push_back({std::move(source), mount.target, mount.read_only, 0});
    return {};
  }

  static Result<bool> try_lock(const Fd& lock) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return fail_errno("lock cache mount");
  }

  Result<std::string> lock_cache(const std::string& base, RunMount::Sharing sharing) {
    if (sharing == RunMount::Sharing::shared) return base;
    for (int number = 0;; ++number) {
      const bool own = sharing == RunMount::Sharing::private_;
      const std::string path = own && number > 0 ? base + "-" + std::to_string(number) : base;
      Fd lock = TRY(open_file(path + ".lock", O_RDWR | O_CREAT, 0600));
      HolderWatch holder(path + ".lock", lock.get());
      while (true) {
        if (TRY(try_lock(lock))) {
          out_.locks_.push_back(std::move(lock));
          return path;
        }
        if (own) break;  // this one is in use: try the next
        if (runs_.stopping()) return fail(Code::interrupted, "wait for cache mount");
        TRY_WRAP(holder.look(), "wait for cache mount");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // flock has no event to wait for
      }
    }
  }

  Result<> add_cache(const PlannedMount& planned) {
    const RunMount& mount = planned.mount;
    const std::string id = mount.id.empty() ? mount.target : mount.id;
    const std::string caches = shared_.environment.roots.data + "/build/cache";
    TRY(make_directories(caches, 0700));
    std::string name = id;
    if (planned.from) name += '\0' + TRY(runs_.wait_for(*planned.from))->files.chain + '\0' + mount.source;
    const std::string path = TRY(lock_cache(caches + "/" + sha256_hex(name).substr(0, 32), mount.sharing));
    if (::mkdir(path.c_str(), 0755) == 0) {
      struct stat start {};
      start.st_uid = mount.uid.value_or(0);
      start.st_gid = mount.gid.value_or(0);
      start.st_mode = mount.mode.value_or(0755);
      if (planned.from) start = TRY(fill_cache(*planned.from, mount.source, path));
      if (::chown(path.c_str(), start.st_uid, start.st_gid) != 0) return fail_errno("change owner", path);
      if (::chmod(path.c_str(), start.st_mode & 07777) != 0) return fail_errno("change mode", path);
    } else if (errno != EEXIST) {
      return fail_errno("make cache directory", path);
    }
    out_.mounts.push_back({path, mount.target, mount.read_only, 0});
    return {};
  }

  // The cache starts as a copy of this directory, with its owner and mode.
  Result<struct stat> fill_cache(std::size_t from, const std::string& source, const std::string& path) {
    SourceTree* tree = TRY(runs_.tree_of(from));
    const CopyOperation everything;
    const Fd root = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
    struct stat start {};
    for (const auto& selected : TRY(select(*tree, everything, source))) {
      TRY(copy_into(*tree, selected, root.get(), "/", {}));
      start.st_uid = selected.entries.front().uid;
      start.st_gid = selected.entries.front().gid;
      start.st_mode = selected.entries.front().mode;
    }
    return start;
  }

  std::optional<std::string> variable(const std::string& name) const {
    for (const auto& entry : shared_.environment.environment) {
      if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    }
    return std::nullopt;
  }

  Result<std::optional<std::string>> secret_value(const std::string& id) {
    for (const auto& secret : shared_.request.secrets) {
      if (secret.id != id) continue;
      if (secret.environment) return variable(*secret.environment);
      return TRY_WRAP(read_plain_file(secret.file, 512 * 1024), "read secret", id);
    }
    if (!shared_.environment.remote.secret) return std::nullopt;
    const std::scoped_lock lock(shared_.provider_mutex);
    return shared_.environment.remote.secret(id);
  }

  // A directory in the run root, which is not on a disk, for the duration of the step.
  Result<std::string> private_directory() {
    std::string directory = shared_.environment.roots.run + "/build-" + random_id().substr(0, 16);
    TRY(make_directories(directory, 0700));
    out_.secret_directories_.push_back(directory);
    return directory;
  }

  Result<> add_secret(const RunMount& mount) {
    std::string id = mount.id.empty() ? mount.source : mount.id;
    if (id.empty()) id = base_name(mount.target);
    const auto value = TRY(secret_value(id));
    if (!value) {
      if (mount.required) return fail(Error(Code::invalid).why("secret " + id + ": not found"));
      return {};
    }
    if (mount.environment) out_.environment.push_back(*mount.environment + "=" + *value);
    if (mount.environment && mount.target.empty()) return {};
    const std::string path = TRY(private_directory()) + "/secret";
    TRY(write_file_atomic(path, *value, 0600));
    if (::chown(path.c_str(), mount.uid.value_or(0), mount.gid.value_or(0)) != 0 ||
        ::chmod(path.c_str(), mount.mode.value_or(0400)) != 0)
      return fail_errno("change owner", "of secret " + id);
    out_.mounts.push_back({path, mount.target.empty() ? "/run/secrets/" + base_name(id) : mount.target, true, 0});
    return {};
  }

  Result<std::string> agent_socket(const std::string& id) {
    std::string own = shared_.agents.socket_of(id);
    if (!own.empty() || !shared_.environment.remote.ssh_agent) return own;
    const std::scoped_lock lock(shared_.provider_mutex);
    const auto known = shared_.remote_agents.find(id);
    if (known != shared_.remote_agents.end()) return known->second;
    return shared_.remote_agents[id] = TRY(shared_.environment.remote.ssh_agent(id));
  }

  Result<> add_ssh(const RunMount& mount) {
    const std::string id = mount.id.empty() ? "default" : mount.id;
    const std::string agent = TRY(agent_socket(id));
    if (agent.empty() && mount.required) return fail(Error(Code::invalid).why("unset ssh forward key " + id));
    const std::string target =
        mount.target.empty() ? "/run/buildkit/ssh_agent." + std::to_string(agents_++) : mount.target;
    if (agents_ <= 1) out_.environment.push_back("SSH_AUTH_SOCK=" + target);  // even without an agent
    if (agent.empty()) return {};
    const std::string path = TRY(private_directory()) + "/agent";
    const auto comments = shared_.agents.is_own(id) ? SshRelay::Comments::dropped : SshRelay::Comments::kept;
    out_.relays_.push_back(TRY(SshRelay::start(agent, path, comments)));
    if (::chown(path.c_str(), mount.uid.value_or(0), mount.gid.value_or(0)) != 0 ||
        ::chmod(path.c_str(), mount.mode.value_or(0600)) != 0)
      return fail_errno("change owner", "of the socket for SSH");
    out_.mounts.push_back({path, target, false, 0});
    return {};
  }

  Shared& shared_;
  StageRuns& runs_;
  const std::string& directory_;
  RunMounts& out_;
  int counter_ = 0;
  int agents_ = 0;
};

Result<RunMounts> RunMounts::prepare(Shared& shared, StageRuns& runs, const RunOperation& run,
                                     const std::string& directory) {
  RunMounts result;
  MountMaker maker(shared, runs, directory, result);
  for (const auto& planned : run.mounts) TRY(maker.add(planned));
  if (run.script) {
    const std::string scripts = directory + "/scripts";
    TRY(make_directories(scripts));
    TRY(write_file_atomic(scripts + "/" + base_name(run.script->first), run.script->second, 0755));
    result.mounts.push_back({scripts, "/dev/pipes", true, 0});
  }
  return result;
}

RunMounts::~RunMounts() {
  for (auto mount = mounted_.rbegin(); mount != mounted_.rend(); ++mount) (void)runtime::unmount_rootfs(*mount);
  for (const auto& directory : secret_directories_) (void)remove_tree(directory);
}

}  // namespace consort::build
