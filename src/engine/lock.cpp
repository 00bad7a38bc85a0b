// A project's lock: one command at a time changes a project. The kernel drops it with the process; the file's text
// names the holder, for the message that others get while they wait.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/files/has_name.hpp"
#include "base/os/files/lock_holder.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "engine/engine_impl.hpp"
#include "engine/renewal.hpp"
#include "supervisor/hold.hpp"
#include "supervisor/renewal.hpp"

namespace consort::engine {

namespace {

Result<bool> try_lock(int fd, int operation) {
  while (::flock(fd, operation) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return fail_errno("lock project");
  }
  return true;
}

std::string holder_of(const std::string& path, const std::string& project) {
  const Result<std::string> text = read_file(path, 4096);
  const std::string who = text && !trim(*text).empty() ? " (" + std::string(trim(*text)) + ")" : "";
  return "another consort" + who + " is working on project " + project;
}

std::string own_description() {
  const Result<std::string> raw = read_file("/proc/self/cmdline", 4096);
  std::string line = "pid " + std::to_string(::getpid());
  if (!raw) return line;
  std::string words = *raw;
  for (char& c : words)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return line + ": " + std::string(trim(words)).substr(0, 200);
}

// flock has no timeout. Waiting for another command takes as long as that command; trying ten times a second is cheap,
// and only callers with limited patience come here.
Result<bool> lock_within(int fd, const std::string& path, Nanoseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  HolderWatch holder(path, fd);
  while (!TRY(try_lock(fd, LOCK_EX | LOCK_NB))) {
    if (std::chrono::steady_clock::now() >= end) return false;
    TRY(holder.look());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

// The lock file's text is checked first: trying a lock takes it for a moment in which somebody else may want it. After
// a crash the text may name an unrelated process, so it is not trusted alone.
bool held_by_another(const std::string& path) {
  const Result<std::string> text = read_file(path, 4096);
  if (!text || !text->starts_with("pid ")) return false;
  const auto pid = parse_unsigned(std::string_view(*text).substr(4, text->find_first_not_of("0123456789", 4) - 4));
  if (!pid || static_cast<pid_t>(*pid) == ::getpid() || ::kill(static_cast<pid_t>(*pid), 0) != 0) return false;
  const Result<Fd> file = open_file(path, O_RDONLY);
  return file && !try_lock(file->get(), LOCK_SH | LOCK_NB).value_or(true);
}

Result<Fd> open_lock(const std::string& directory) {
  TRY(make_directories(directory, 0700));
  return open_file(directory + "/lock", O_RDWR | O_CREAT, 0600);
}

}  // namespace

ProjectLock::~ProjectLock() {
  // Empty means that it ended normally.
  if (fd_ && ::ftruncate(fd_.get(), 0) != 0) return;
}

Result<std::optional<Fd>> Engine::watch_lock(const std::string& project) {
  const std::string path = impl_->roots.project_run(project) + "/lock";
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch) return fail_errno("inotify_init1");
  // Its holder has it open for writing until it ends, however it ends.
  if (::inotify_add_watch(watch.get(), path.c_str(), IN_CLOSE_WRITE) < 0)
    return errno == ENOENT ? Result<std::optional<Fd>>(std::nullopt) : fail_errno("watch", path);
  if (!held_by_another(path)) return std::nullopt;
  return std::optional<Fd>(std::move(watch));
}

std::vector<std::string> outdated_projects(const Roots& roots) {
  return supervisor::outdated_projects(roots);
}

bool Engine::Impl::is_held(const std::string& id) const {
  return supervisor::is_held(container_directory(id));
}

Result<ProjectLock> Engine::lock_project(const std::string& project, LockOptions options) {
  const std::string directory = impl_->roots.project_run(project);
  const std::string path = directory + "/lock";
  Fd fd = TRY(open_lock(directory));
  if (!TRY(try_lock(fd.get(), LOCK_EX | LOCK_NB))) {
    const std::string holder = holder_of(path, project);
    if (options.on_wait) options.on_wait(holder + ": waiting for it");
    if (!options.patience) {
      TRY_WRAP(lock_exclusive(fd.get(), path), "wait for project", project);
    } else if (!TRY_WRAP(lock_within(fd.get(), path, *options.patience), "wait for project", project)) {
      return fail(Error(Code::busy, holder).hint("wait for it to finish, or stop it"));
    }
  }
  // A sweep of ended projects removes the directory while it holds the lock.
  if (!has_name(fd.get(), path)) return lock_project(project, options);
  // Its last holder did not get to empty it, or there has been none since the machine booted.
  const Result<std::string> left = read_file(path, 4096);
  const bool crashed = left && !left->empty();
  const bool first = !path_exists(directory + "/swept");
  const std::string text = own_description() + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("write", path);
  // On a full disk others cannot see who holds the lock; it is held all the same.
  if (Result<> told = write_full(fd.get(), text); !told && told.error().sys_errno() != ENOSPC)
    return fail(std::move(told).error());
  // From here on a crash of ours is noticed, too. What a sweep cannot do is tried again later, and stops nothing.
  if (impl_->forget_crashes() || crashed || first) {
    (void)sweep();
    TRY(write_file_atomic(directory + "/swept", ""));
  } else {
    (void)impl_->sweep_abandoned();
  }
  supervisor::renew_supervisor(impl_->roots, project);
  // Whoever takes the lock is about to change something: restart policies, names and ports must be looked after again.
  (void)TRY(supervisor::revive_supervisor(impl_->roots, project));
  (void)remove_left_behind(project);  // lists do not show them, but they have names and networks
  return ProjectLock(std::move(fd));
}

// Whether commands of any project did not get to empty their lock; empties it for them.
bool Engine::Impl::forget_crashes() const {
  const std::string projects = roots.run + "/projects";
  bool found = false;
  for (const std::string& name : list_directory(projects).value_or(Strings())) {
    const std::string path = projects + "/" + name + "/lock";
    const auto st = lstat_path(path);
    if (!st || st->st_size == 0) continue;
    const Result<Fd> lock = open_file(path, O_RDWR);
    if (!lock || !try_lock(lock->get(), LOCK_EX | LOCK_NB).value_or(false)) continue;  // it is at work
    found = ::ftruncate(lock->get(), 0) == 0 || found;
  }
  return found;
}

// What ended projects leave in the run root is the source of `events`, so some are kept.
void Engine::Impl::sweep_project_directories() {
  constexpr std::size_t kept = 16;
  const std::string projects = roots.run + "/projects";
  const auto names = list_directory(projects);
  if (!names || names->size() <= kept) return;
  const Result<std::set<std::string>> used = records.projects();
  if (!used) return;
  std::multimap<std::int64_t, std::string, std::greater<>> ended;  // the latest first
  for (const std::string& name : *names) {
    const auto st = lstat_path(projects + "/" + name);
    if (st && !used->contains(name)) ended.emplace(st->st_mtim.tv_sec, name);
  }
  for (auto each = std::next(ended.begin(), std::min(kept, ended.size())); each != ended.end(); ++each) {
    const std::string directory = projects + "/" + each->second;
    const Result<Fd> lock = open_lock(directory);
    const Result<bool> free = lock ? try_lock(lock->get(), LOCK_EX | LOCK_NB) : false;
    const Result<bool> running = client(each->second).running();
    if (free && *free && running && !*running && has_name(lock->get(), directory + "/lock"))
      (void)remove_tree(directory);
  }
}

}  // namespace consort::engine
