#include <signal.h>

#include "cli/invocation.hpp"

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
  return consort::cli::run_program(std::vector<std::string>(argv, argv + argc));
}
