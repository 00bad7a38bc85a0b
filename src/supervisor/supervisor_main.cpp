// consort-supervisor PROJECT DATA_ROOT RUN_ROOT [INIT_PROGRAM]
//
// Started by consort-keeper with their socket as descriptor 3 and, the first time, a pipe as descriptor 1: "ok" on it
// means that the control socket answers, anything else is the reason for failure. Descriptor 2 is the supervisor's log.
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "runtime/exe_seal.hpp"
#include "supervisor/keeper/protocol.hpp"
#include "supervisor/loop/keeper_lock.hpp"
#include "supervisor/loop/own_limits.hpp"
#include "supervisor/loop/supervisor.hpp"

namespace {

using consort::supervisor::Supervisor;
using consort::supervisor::SupervisorOptions;

// This is a long-lived single thread that allocates little: no arena of its own, and freed pages are returned early.
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_TRIM_THRESHOLD, 64 * 1024);
  ::mallopt(M_TOP_PAD, 16 * 1024);
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
}

// The pipe is used once; from then on the log takes its place, so that the reader sees end-of-file.
void tell(const std::string& text) {
  struct stat info {};
  if (::fstat(STDOUT_FILENO, &info) != 0 || !S_ISFIFO(info.st_mode)) return;  // not the first supervisor
  (void)consort::write_full(STDOUT_FILENO, text);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

consort::Result<> supervise(SupervisorOptions options) {
  ::fcntl(consort::keeper::socket_fd, F_SETFD, FD_CLOEXEC);
  const auto made = TRY(Supervisor::create(std::move(options), consort::Fd(consort::keeper::socket_fd)));
  return made->run([] {
    tell("ok");
    ::malloc_trim(0);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    (void)consort::write_full(STDERR_FILENO, "usage: consort-supervisor PROJECT DATA_ROOT RUN_ROOT [INIT_PROGRAM]\n");
    return 2;
  }
  if (const auto sealed = consort::runtime::reexec_sealed(argv, environ); !sealed)
    consort::supervisor::log_line(sealed.error().message());
  ::prctl(PR_SET_NAME, "consort-supervi");  // older kernels name the process after the sealed descriptor
  keep_memory_small();
  SupervisorOptions options;
  options.project = argv[1];
  options.roots = consort::Roots{argv[2], argv[3]};
  if (argc > 4) options.init_program = argv[4];
  consort::supervisor::take_own_limits();
  const auto result = supervise(std::move(options));
  if (result) return 0;
  consort::supervisor::log_line(result.error().message());
  tell(result.error().code() == consort::Code::conflict ? std::string(consort::supervisor::outrun)
                                                        : result.error().message());
  return 1;
}
