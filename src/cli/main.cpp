#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "cli/invocation.hpp"

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
  // Kernels before 6.14 name a program that was started from a descriptor by its number.
  if (argc > 0) ::prctl(PR_SET_NAME, ::basename(argv[0]));
  return consort::cli::run_program(std::vector<std::string>(argv, argv + argc));
}
