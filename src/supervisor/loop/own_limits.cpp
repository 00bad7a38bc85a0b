#include "supervisor/loop/own_limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/os/file.hpp"
#include "base/strings.hpp"

namespace consort::supervisor {
namespace {

constexpr const char* oom_file = "/proc/self/oom_score_adj";
constexpr const char* last_but_the_kernel = "-900";

}  // namespace

InheritedLimits take_own_limits() {
  InheritedLimits before;
  const auto text = read_file(oom_file, 64);
  const auto score = text ? parse_signed(trim(*text)) : std::nullopt;
  if (const auto file = open_file(oom_file, O_WRONLY); file && score && write_full(file->get(), last_but_the_kernel))
    before.oom_score_adj = static_cast<int>(*score);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return before;
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0)
    before.descriptors = runtime::Rlimit{RLIMIT_NOFILE, limit.rlim_cur, limit.rlim_max};
  return before;
}

void InheritedLimits::give_to(runtime::Process& process) const {
  if (!process.oom_score_adj) process.oom_score_adj = oom_score_adj;
  const auto is_ours = [](const runtime::Rlimit& limit) { return limit.resource == RLIMIT_NOFILE; };
  if (descriptors && std::ranges::none_of(process.rlimits, is_ours)) process.rlimits.push_back(*descriptors);
}

}  // namespace consort::supervisor
