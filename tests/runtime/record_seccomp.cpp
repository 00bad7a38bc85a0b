// record_seccomp PID: prints the answers of a process's seccomp filters in the form of seccomp-answers/. Needs root.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

#include "seccomp_answers.hpp"

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

int main(int count, char** words) {
  const pid_t pid = count == 2 ? std::atoi(words[1]) : 0;
  if (pid <= 0) {
    std::fputs("usage: record_seccomp PID\n", stderr);
    return 2;
  }
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0 || ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0 ||
      waitpid(pid, nullptr, 0) != pid) {
    std::perror("record_seccomp: stop the process");
    return 1;
  }
  const auto request = static_cast<__ptrace_request>(PTRACE_SECCOMP_GET_FILTER);
  const long size = ptrace(request, pid, nullptr, nullptr);
  std::vector<sock_filter> program(size > 0 ? static_cast<std::size_t>(size) : 0);
  const bool whole = size > 0 && ptrace(request, pid, nullptr, program.data()) == size;
  // With a second filter, the recorded answers would be those of both.
  const bool alone = ptrace(request, pid, reinterpret_cast<void*>(1), nullptr) < 0;
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  if (!whole || !alone) {
    std::fputs("record_seccomp: the process does not have exactly one filter\n", stderr);
    return 1;
  }
  std::fputs(consort::runtime::verdicts(program).c_str(), stdout);
  return 0;
}
