#include "supervisor/loop/own_limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/os/fd.hpp"

namespace consort::supervisor {

void take_own_limits() {
  if (const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY)) (void)write_full(file->get(), "-900");
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace consort::supervisor
