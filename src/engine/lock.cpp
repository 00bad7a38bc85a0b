// A project's lock: one command at a time changes a project. The kernel drops it with the process; the file's text says
// who has it, for the message of the one who waits.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "engine/engine_impl.hpp"

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

// flock has no timeout. Waiting for another command takes as long as that command; ten looks a second are no burden,
// and only a caller who limits its patience comes here.
Result<bool> lock_within(int fd, Nanoseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!TRY(try_lock(fd, LOCK_EX | LOCK_NB))) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

}  // namespace

ProjectLock::~ProjectLock() {
  // Empty means: ended in good order.
  if (fd_ && ::ftruncate(fd_.get(), 0) != 0) return;
}

bool Engine::Impl::is_held(const std::string& id) const {
  const Result<Fd> folder = open_file(container_folder(id) + "/rootfs", O_RDONLY | O_DIRECTORY);
  return folder && !try_lock(folder->get(), LOCK_EX | LOCK_NB).value_or(true);
}

Result<ProjectLock> Engine::lock_project(const std::string& project, LockOptions options) {
  const std::string folder = impl_->roots.project_run(project);
  TRY(make_directories(folder, 0700));
  const std::string path = folder + "/lock";
  Fd fd = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  if (!TRY(try_lock(fd.get(), LOCK_EX | LOCK_NB))) {
    const std::string holder = holder_of(path, project);
    if (options.on_wait) options.on_wait(holder);
    if (!options.patience) {
      (void)TRY(try_lock(fd.get(), LOCK_EX));
    } else if (!TRY(lock_within(fd.get(), *options.patience))) {
      return fail(Error(Code::busy, holder).hint("wait until it has ended, or end it"));
    }
  }
  // Its last holder did not live to empty it, or there was none since the machine started.
  const Result<std::string> left = read_file(path, 4096);
  const bool crashed = left && !left->empty();
  const bool first = !path_exists(folder + "/swept");
  if (crashed || first) {
    (void)sweep();  // what it could not do is tried again, and hinders nobody
    TRY(write_file_atomic(folder + "/swept", ""));
  }
  const std::string text = own_description() + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("write", path);
  TRY(write_full(fd.get(), text));
  // Who takes the lock is about to change something: restart policies, names and ports must be looked after again.
  (void)TRY(supervisor::revive_supervisor(impl_->roots, project));
  return ProjectLock(std::move(fd));
}

}  // namespace consort::engine
