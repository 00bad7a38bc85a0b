#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/invocation.hpp"

int main(int argc, char** argv) {
  // Descriptors 0 to 2 must be open, or the first files opened would be taken for standard streams.
  int fd;
  do fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);
  ::signal(SIGCHLD, SIG_DFL);  // who ignores it, as our caller may, never hears how a child ended
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
  ::signal(SIGXFSZ, SIG_IGN);  // and so is a file that grows beyond `ulimit -f`
  // Kernels before 6.14 name a program that was started from a descriptor after the descriptor's number.
  if (argc > 0) ::prctl(PR_SET_NAME, ::basename(argv[0]));
  return consort::cli::run_program(std::vector<std::string>(argv, argv + argc));
}
