#include "supervisor/renewal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/processes/own_programs.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/trees/directory.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {

namespace {

constexpr std::chrono::milliseconds longest_end{3000};

// Sealed programs without a bind mount are copies of the file.
bool same_content(int one, int other) {
  std::array<char, 65536> left, right;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(one, left.data(), left.size(), at);
    if (got < 0 || ::pread(other, right.data(), right.size(), at) != got) return false;
    if (got == 0) return true;
    if (std::memcmp(left.data(), right.data(), static_cast<std::size_t>(got)) != 0) return false;
    at += got;
  }
}

// nullopt: nobody serves, or it cannot be seen.
std::optional<pid_t> outdated_supervisor(const Roots& roots, const std::string& project) {
  const auto lock = open_file(serving_lock_path(roots.project_run(project)), O_RDONLY);
  const pid_t pid = lock ? who_serves(lock->get()) : 0;
  if (pid <= 0) return std::nullopt;
  const std::string process = "/proc/" + std::to_string(pid);
  const auto path = find_own_program("consort-supervisor");
  const auto words = read_file(process + "/cmdline", 65536);
  // Its keeper would start that one again: another installation's is none of our business.
  if (!path || !words || words->substr(0, words->find('\0')) != *path) return std::nullopt;
  const auto installed = open_file(*path, O_RDONLY);
  const auto running = open_file(process + "/exe", O_RDONLY);
  struct stat ours {
  }, theirs{};
  if (!installed || !running || ::fstat(installed->get(), &ours) != 0 || ::fstat(running->get(), &theirs) != 0)
    return std::nullopt;
  if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) return std::nullopt;
  if (ours.st_size == theirs.st_size && same_content(installed->get(), running->get())) return std::nullopt;
  return pid;
}

}  // namespace

std::vector<std::string> outdated_projects(const Roots& roots) {
  std::vector<std::string> outdated;
  for (const std::string& project : list_directory(roots.run + "/projects").value_or(std::vector<std::string>()))
    if (outdated_supervisor(roots, project)) outdated.push_back(project);
  std::ranges::sort(outdated);
  return outdated;
}

void renew_supervisor(const Roots& roots, const std::string& project) {
  const std::optional<pid_t> pid = outdated_supervisor(roots, project);
  // Without a keeper nobody would start another.
  if (!pid || !keeper_lives(roots.project_run(project))) return;
  const auto process = open_pidfd(*pid);
  if (!process || outdated_supervisor(roots, project) != pid) return;
  if (!send_signal(process->get(), SIGHUP)) return;
  // A question that reaches one that is about to end might have to be asked again.
  pollfd end{process->get(), POLLIN, 0};
  (void)::poll(&end, 1, static_cast<int>(longest_end.count()));
}

}  // namespace consort::supervisor
