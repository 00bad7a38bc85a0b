// The supervisor's single loop never does slow work: while it has a lot of each kind to do, a neighbor's names still
// resolve, and no handler takes so long that a debug build aborts (base/os/loop/event_loop.hpp). Times are printed but
// not checked: that is the job of bench/.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/json.hpp"
#include "network_fixture.hpp"
#include "runtime/cgroup.hpp"

namespace consort::supervisor {
namespace {

// A handler that blocked would take seconds for each of these.
constexpr char most_in_a_handler[] = "1000";

// Looks up a name again and again, like a process on the container's network, until it is stopped.
class LookUps {
 public:
  explicit LookUps(const ContainerState& asker) : shared_(map()) {
    const Fd netns = open_file("/proc/" + std::to_string(asker.pid) + "/ns/net", O_RDONLY).value();
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setns(netns.get(), CLONE_NEWNET) != 0) ::_exit(1);
      look_up();
      ::_exit(0);
    }
    child_ = ChildGuard(child);
  }
  ~LookUps() { ::munmap(shared_, sizeof *shared_); }

  // Ends the lookups; returns their times, sorted.
  std::vector<std::chrono::microseconds> end() {
    shared_->stop = true;
    (void)child_.wait();
    std::vector<std::chrono::microseconds> took;
    for (std::size_t i = 0; i < shared_->count; ++i) took.emplace_back(shared_->took[i]);
    std::ranges::sort(took);
    return took;
  }
  unsigned failed() const { return shared_->failed; }
  std::size_t count() const { return shared_->count; }
  std::size_t answered_between(SystemTime from, SystemTime to) const {
    const auto inside = [&](std::int64_t at) {
      return at > from.time_since_epoch() / std::chrono::nanoseconds(1) &&
             at < to.time_since_epoch() / std::chrono::nanoseconds(1);
    };
    return static_cast<std::size_t>(std::count_if(shared_->at, shared_->at + shared_->count, inside));
  }

 private:
  static constexpr std::size_t most = 200'000;
  struct Shared {
    std::atomic<bool> stop;
    std::atomic<unsigned> failed;
    std::atomic<std::size_t> count;
    std::uint32_t took[most];
    std::int64_t at[most];  // nanoseconds of the monotonic clock
  };
  static Shared* map() {
    void* const at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return static_cast<Shared*>(at);
  }
  void look_up() {
    while (!shared_->stop && shared_->count < most) {
      const auto begun = std::chrono::steady_clock::now();
      if (test::resolve("neighbour") != "NOERROR 10.77.0.2") ++shared_->failed;
      const auto took = std::chrono::steady_clock::now() - begun;
      shared_->took[shared_->count] =
          static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
      shared_->at[shared_->count] = system_now().time_since_epoch() / std::chrono::nanoseconds(1);
      ++shared_->count;
      ::usleep(500);
    }
  }

  Shared* shared_;
  ChildGuard child_;
};

class FloodTest : public NetworkTest {
 protected:
  void SetUp() override {
    ::setenv("CONSORT_LOOP_LIMIT_MS", most_in_a_handler, 1);
    NetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    project_.emplace();
    ASSERT_TRUE(project_->start(networked(*project_, {"pause"}, "10.77.0.2", {"neighbour"})));
    const auto asker = project_->start(networked(*project_, {"pause"}, "10.77.0.3", {"asker"}));
    ASSERT_TRUE(asker) << asker.error().message();
    supervisor_ = project_->supervisor();
    look_ups_.emplace(*asker);
    ASSERT_TRUE(eventually([&] { return look_ups_->count() > 0; }));
  }
  void TearDown() override {
    if (look_ups_) {
      const auto took = look_ups_->end();
      const auto at = [&](double part) {
        return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))];
      };
      std::printf("%zu look-ups: median %lld us, 99th percentile %lld us, longest %lld us\n", took.size(),
                  static_cast<long long>(at(0.5).count()), static_cast<long long>(at(0.99).count()),
                  static_cast<long long>(took.back().count()));
      EXPECT_EQ(look_ups_->failed(), 0u);
      // It would have been replaced if a handler had taken too long.
      EXPECT_EQ(project_->supervisor(), supervisor_);
    }
    project_.reset();
    NetworkTest::TearDown();
    ::unsetenv("CONSORT_LOOP_LIMIT_MS");
  }
  // Without a pid namespace, the end of the first process does not end the others.
  static void share_pids(const ContainerUnit& unit) {
    const std::string path = unit.bundle + "/config.json";
    Json config = parse_json(read_file(path).value(), path).value();
    Json& namespaces = config["linux"]["namespaces"];
    for (auto it = namespaces.begin(); it != namespaces.end();)
      it = get_string(*it, "type") == "pid" ? namespaces.erase(it) : it + 1;
    ASSERT_TRUE(write_file_atomic(path, dump_json(config)));
  }

  std::optional<TestProject> project_;
  pid_t supervisor_ = 0;
  std::optional<LookUps> look_ups_;
};

TEST_F(FloodTest, PublishesManyPorts) {
  ContainerUnit unit = networked(*project_, {"pause"}, "10.77.0.4", {"many"});
  for (std::uint16_t port = 0; port < 1500; ++port)
    unit.ports.push_back(
        PortUnit{"", static_cast<std::uint16_t>(20000 + port), 0, static_cast<std::uint16_t>(port + 1), "udp"});
  const auto started = project_->start(unit);
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_GE(started->ports.size(), 1500u);
  EXPECT_TRUE(project_->client().stop(unit.id));
}

TEST_F(FloodTest, StartsManyContainers) {
  std::vector<ContainerUnit> units;
  std::vector<ChildGuard> starting;
  for (int i = 0; i < 30; ++i)
    units.push_back(networked(*project_, {"pause"}, "10.77.0." + std::to_string(10 + i), {"n" + std::to_string(i)}));
  for (const ContainerUnit& unit : units) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(project_->start(unit) ? 0 : 1);
    starting.emplace_back(child);
  }
  for (ChildGuard& child : starting) EXPECT_TRUE(child.wait()->success());
}

// Twenty containers that end at once take twenty turns of the loop.
TEST_F(FloodTest, AnswersBetweenTheEndsOfMany) {
  std::vector<ContainerUnit> units;
  std::vector<pid_t> pids;
  for (int i = 0; i < 20; ++i) {
    units.push_back(project_->unit({"pause"}));
    const auto started = project_->start(units.back());
    ASSERT_TRUE(started) << started.error().message();
    pids.push_back(started->pid);
  }
  ASSERT_EQ(::kill(supervisor_, SIGSTOP), 0);
  for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  for (const pid_t pid : pids)
    EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));  // the keeper has reaped it
  ASSERT_EQ(::kill(supervisor_, SIGCONT), 0);
  std::vector<SystemTime> ends;
  for (const ContainerUnit& unit : units) {
    EXPECT_TRUE(eventually([&] { return project_->state(unit).finished_at.has_value(); }));
    ends.push_back(project_->state(unit).finished_at.value_or(SystemTime{}));
  }
  const auto [first, last] = std::ranges::minmax(ends);
  EXPECT_GE(look_ups_->answered_between(first, last), 2u) << "one may have been on its way";
}

TEST_F(FloodTest, PausesAndGoesOn) {
  ContainerUnit unit = project_->unit({"pause"});
  ASSERT_TRUE(project_->start(unit));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(project_->client().pause(unit.id));
    EXPECT_EQ(project_->state(unit).status, Status::paused);
    ASSERT_TRUE(project_->client().unpause(unit.id));
  }
}

TEST_F(FloodTest, RemovesGroupsThatAreFull) {
  for (int i = 0; i < 5; ++i) {
    const ContainerUnit unit =
        project_->unit({"spawn", "pause", "--", "spawn", "pause", "--", "echo", "up", "--", "sleep", "100"});
    share_pids(unit);
    const auto started = project_->start(unit);
    ASSERT_TRUE(started) << started.error().message();
    const std::string group = started->cgroup;
    EXPECT_TRUE(project_->client().wait(unit.id));
    EXPECT_TRUE(eventually([&] { return runtime::Cgroup::open(group).views().empty(); }));
    // The next start waits for that.
    ASSERT_TRUE(project_->start(unit));
  }
}

// The first process does not react, so each of the others is checked and signalled. One of them is frozen, which delays
// the end until we thaw it.
TEST_F(FloodTest, StopsWhatHasManyProcesses) {
  constexpr std::ptrdiff_t many = 500;
  std::vector<std::string> words;
  for (std::ptrdiff_t i = 0; i < many; ++i) words.insert(words.end(), {"spawn", "count", "--"});
  words.insert(words.end(), {"echo", "up", "--", "pause"});
  const ContainerUnit unit = project_->unit(words);
  const auto started = project_->start(unit);
  ASSERT_TRUE(started) << started.error().message();
  const auto count = [&](const char* line) { return std::ranges::count(project_->log(unit), line); };
  ASSERT_TRUE(eventually([&] { return count("ready") == many; }));
  std::vector<pid_t> pids = runtime::Cgroup::open(started->cgroup).pids().value();
  EXPECT_EQ(pids.size(), static_cast<std::size_t>(many + 1));
  std::erase(pids, started->pid);
  ASSERT_EQ(::kill(pids.back(), SIGSTOP), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto stopped = project_->client().stop(unit.id, {.timeout = std::chrono::hours(1), .signal = {}});
    ::_exit(stopped ? 0 : 1);
  }
  ChildGuard stopping(child);
  EXPECT_TRUE(eventually([&] { return count("1 signals") == many - 1; }));
  const auto neighbour = project_->client().snapshot();
  EXPECT_TRUE(neighbour) << neighbour.error().message();
  EXPECT_TRUE(project_->state(unit).stopping);
  ASSERT_EQ(::kill(pids.back(), SIGCONT), 0);
  EXPECT_TRUE(stopping.wait()->success());  // by the signal, not by the deadline
  EXPECT_EQ(count("1 signals"), many);
}

}  // namespace
}  // namespace consort::supervisor
