// Measures a start, from begin() to the exit of a static `true` in all namespaces.
//   runtime_start_bench [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <sys/resource.h>

#include "sandbox.hpp"

namespace {

// The CPU time of this process and its ended children: the cost of a start, regardless of other load.
double cpu_milliseconds() {
  double sum = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage;
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime})
      sum += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  }
  return sum;
}

}  // namespace

int main(int count, char** words) {
  using namespace consort::runtime;
  using Clock = std::chrono::steady_clock;
  if (const std::string reason = Sandbox::why_not(); !reason.empty()) {
    std::fprintf(stderr, "cannot measure: %s\n", reason.c_str());
    return 1;
  }
  Sandbox sandbox;
  const Spec spec = sandbox.spec({"true"});
  std::vector<double> begin, ready, started, ended;
  const int rounds = count > 1 ? std::atoi(words[1]) : 100;
  const double cpu = cpu_milliseconds();
  for (int i = 0; i < rounds; ++i) {
    const auto zero = Clock::now();
    const auto since = [zero] { return std::chrono::duration<double, std::milli>(Clock::now() - zero).count(); };
    const auto start = [&]() -> consort::Result<> {
      Launch launch = TRY(Launch::begin(spec, sandbox.options()));
      begin.push_back(since());
      TRY(launch.wait_for(Launch::State::ready));
      ready.push_back(since());
      TRY(launch.start());
      TRY(launch.wait_for(Launch::State::started));
      started.push_back(since());
      consort::ChildGuard child(launch.pid());
      TRY(child.wait());
      ended.push_back(since());
      return Cgroup::open(launch.cgroup_path()).remove();
    };
    // fault_test.cpp reads this line.
    if (const consort::Result<> done = start(); !done) {
      std::fprintf(stderr, "%s\n", done.error().message().c_str());
      return 1;
    }
  }
  for (auto [name, times] : {std::pair{"begun", &begin}, {"ready", &ready}, {"started", &started}, {"ended", &ended}}) {
    std::ranges::sort(*times);
    std::printf("%-8s median %.2f ms, 90%% %.2f ms\n", name, (*times)[times->size() / 2],
                (*times)[times->size() * 9 / 10]);
  }
  std::printf("processor time %.2f ms a start\n", (cpu_milliseconds() - cpu) / rounds);
}
