// Uses the real consort-place: each test is a separate user, with a run root that only that user can enter.
#include "place/place.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "../facilities.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"

namespace consort::place {
namespace {

constexpr uid_t somebody = 54321;  // has no ranges in /etc/subuid

std::string link_of(const char* path) {
  std::error_code ignored;
  return std::filesystem::read_symlink(path, ignored).string();
}

class PlaceOfSomebody : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
    if (const std::string reason = test::why_no_user_namespace(); !reason.empty()) GTEST_SKIP() << reason;
    std::string name = "/tmp/consort-place-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    // The build directory may be closed to others.
    std::filesystem::copy_file(std::string(CONSORT_BINARY_ROOT) + "/consort-place", directory_ + "/consort-place");
    ASSERT_EQ(::chown(directory_.c_str(), somebody, somebody), 0);
    roots_ = {directory_ + "/data", directory_ + "/run"};
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  // Runs `act` in a separate process as that user. It must return "".
  template <typename Act>
  void as_somebody(Act&& act) {
    Pipe told = *make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
      const bool changed = ::setgroups(0, nullptr) == 0 && ::setresgid(somebody, somebody, somebody) == 0 &&
                           ::setresuid(somebody, somebody, somebody) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0 &&
                           ::chdir("/") == 0;
      ::setenv("CONSORT_LIBEXEC", directory_.c_str(), 1);
      const std::string text = changed ? std::string(act()) : "cannot become somebody";
      (void)write_full(told.write.get(), text);
      ::_exit(0);
    }
    told.write.reset();
    EXPECT_EQ(read_all(told.read.get(), 65536).value_or("nothing was told"), "");
    ::waitpid(pid, nullptr, 0);
  }

  // Returns "" once inside the namespaces.
  std::string go_in() const {
    const Result<Entered> entered = enter(roots_);
    return entered ? "" : entered.error().message() + " | " + entered.error().hint_text();
  }

  void expect_it_ends() const {
    constexpr int most = 6000;  // of 10 ms each; only reached by a failing test
    for (int i = 0; i < most && path_exists(roots_.run + "/place.sock"); ++i) ::poll(nullptr, 0, 10);
    EXPECT_FALSE(path_exists(roots_.run + "/place.sock"));
  }

  std::string directory_;
  Roots roots_;
};

TEST_F(PlaceOfSomebody, MakesThemRootOfNothingButThemselves) {
  as_somebody([this]() -> std::string {
    const std::string network = link_of("/proc/self/ns/net");
    if (std::string failed = go_in(); !failed.empty()) return failed;
    if (::geteuid() != 0 || !in_user_namespace()) return "not root of a namespace";
    if (!has_one_user() || may_set_groups()) return "more users than one";
    if (link_of("/proc/self/ns/net") != network) return "the host's network was left";
    if (::open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0) return "what only root may read can be read";
    if (::getenv("CONSORT_RUN_ROOT") != roots_.run) return "the roots are not pinned";
    return "";
  });
  expect_it_ends();
}

TEST_F(PlaceOfSomebody, IsOneForAllThatTheyRun) {
  as_somebody([this]() -> std::string {
    Pipe other = *make_pipe();
    Pipe stay = *make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
      stay.write.reset();
      const std::string failed = go_in();
      (void)write_full(other.write.get(), failed + link_of("/proc/self/ns/user"));
      other.write.reset();
      (void)read_all(stay.read.get(), 1);
      ::_exit(0);
    }
    other.write.reset();
    const std::string first = read_all(other.read.get(), 4096).value_or("");
    if (std::string failed = go_in(); !failed.empty()) return failed;
    const auto place = Place::connect(roots_);
    if (!place || !*place) return "who keeps it does not answer";
    std::string inside;
    const auto visited = place->run([&]() -> Result<> {
      inside = link_of("/proc/thread-self/ns/net");
      return {};
    });
    if (!visited) return visited.error().message();
    if (inside == link_of("/proc/self/ns/net") || inside.empty()) return "no network of its own";
    if (first != link_of("/proc/self/ns/user")) return "not the place of who came first, but " + first;
    stay.write.reset();
    ::waitpid(pid, nullptr, 0);
    return "";
  });
  expect_it_ends();
}

// Both processes of consort-place are killed, one after the other.
TEST_F(PlaceOfSomebody, OutlivesWhoKeepsIt) {
  as_somebody([this]() -> std::string {
    if (std::string failed = go_in(); !failed.empty()) return failed;
    const auto place = Place::connect(roots_);
    if (!place || !*place) return "who keeps it does not answer";
    const std::string guard = std::to_string(place->keeper());
    const std::string served = read_file("/proc/" + guard + "/task/" + guard + "/children").value_or("");
    const pid_t server = static_cast<pid_t>(parse_unsigned(trim(served)).value_or(0));
    if (server <= 0) return "one process alone";
    for (const pid_t killed : {server, place->keeper()}) {
      if (::kill(killed, SIGKILL) != 0) return "cannot be killed";
      const auto socket = place->open_socket(AF_INET, SOCK_DGRAM);
      if (!socket) return socket.error().message();
    }
    const auto again = Place::connect(roots_);
    return again && *again ? "" : "there is no place any more";
  });
  expect_it_ends();
}

TEST_F(PlaceOfSomebody, GivesSocketsOfTheHost) {
  const Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  as_somebody([&]() -> std::string {
    if (std::string failed = go_in(); !failed.empty()) return failed;
    const auto place = Place::connect(roots_);
    if (!place || !*place) return "who keeps it does not answer";
    const auto conflict = place->open_socket(AF_INET, SOCK_STREAM, &name, size);
    if (conflict || conflict.error().sys_errno() != EADDRINUSE) return "a port that is taken was given";
    sockaddr_in low = name;
    low.sin_port = htons(1);
    const auto denied = place->open_socket(AF_INET, SOCK_STREAM, &low, size);
    if (denied || denied.error().sys_errno() != EACCES) return "root's port was given";
    sockaddr_in free_port = name;
    free_port.sin_port = 0;
    const auto given = place->open_socket(AF_INET, SOCK_STREAM, &free_port, size);
    if (!given) return given.error().message();
    sockaddr_in bound{};
    if (::getsockname(given->get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return "it is no socket";
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), reinterpret_cast<sockaddr*>(&bound), size) != 0)
      return "it does not listen on the host";
    return "";
  });
  expect_it_ends();
}

}  // namespace
}  // namespace consort::place
