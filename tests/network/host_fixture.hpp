// A host for one test: the test process moves to a new network namespace with a veth pair (eth0, 198.51.100.2/24,
// fd00:51::2/64) to a second one, the outside (198.51.100.1). The machine's own network is never changed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>

#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "network/bridge.hpp"
#include "network/sandbox.hpp"

namespace consort::test {

template <typename T>
std::string problem(const Result<T>& result) {
  return result ? "" : result.error().message() + " / " + result.error().hint_text();
}
#define REQUIRE_OK(expression)                                    \
  do {                                                            \
    const auto& require_ok_ = (expression);                       \
    ASSERT_TRUE(require_ok_.has_value()) << problem(require_ok_); \
  } while (false)

class HostTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Runs the action in a child inside the namespace; returns its exit code (the action's result).
  static int run_in(int netns, const std::function<int()>& action);
  // The same for an action that returns text.
  static std::string ask_in(int netns, const std::function<std::string()>& action);
  // Starts a child that runs until the guard is destroyed. Returns after the child has called `ready`.
  static ChildGuard start_in(int netns, const std::function<void(const std::function<void()>& ready)>& action);
  static std::string shell(const std::string& command);  // returns its output; runs in the test's host

  // A bridge network 172.18.0.0/16 (or another second byte) and a container on it.
  static BridgeNetwork network(int second, bool internal = false);
  static Endpoint endpoint(const BridgeNetwork& network, int last, const std::string& ifname = "eth0");

  Fd home_;  // the machine's namespace
  Fd outside_;
};

// Clients and servers for the namespaces. Addresses are text; results are "" or the error's text.
std::string tcp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms = 30000);
std::string udp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms = 30000);
// Uses an existing socket.
std::string udp_ask_from(int fd, const std::string& address, std::uint16_t port, const std::string& say,
                         int timeout_ms);
// Sends, keeps its half open, and returns the first piece received.
std::string tcp_exchange(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms);
// Answers each datagram with the function's result; without a function, never answers.
void udp_answer(const std::string& address, std::uint16_t port, const std::function<void()>& ready,
                const std::function<std::string(const std::string&)>& answer);
// Answers each connection with "name from PEER: RECEIVED" and closes it; never returns.
void tcp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready);
void udp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready);

}  // namespace consort::test
