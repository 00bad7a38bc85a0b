// A host for one test: the test process moves to a network namespace of its own, with a veth pair (eth0,
// 198.51.100.2/24, fd00:51::2/64) to a second one, the outside (198.51.100.1). The machine's own network is never
// touched.
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

  // Runs the action in a child inside the namespace; gives its exit code (the action's result).
  static int run_in(int netns, const std::function<int()>& action);
  // The same, but what the action returns is text.
  static std::string ask_in(int netns, const std::function<std::string()>& action);
  // A child that stays until the guard dies. Returns after `ready` was called inside.
  static ChildGuard start_in(int netns, const std::function<void(const std::function<void()>& ready)>& action);
  static std::string shell(const std::string& command);  // its output; in the host of the test

  // A bridge network 172.18.0.0/16 (or other second byte) and a container on it.
  static BridgeNetwork network(int second, bool internal = false);
  static Endpoint endpoint(const BridgeNetwork& network, int last, const std::string& ifname = "eth0");

  Fd home_;  // the machine's namespace
  Fd outside_;
};

// Clients and servers for the namespaces. Addresses as text; "" or a text that says what went wrong.
std::string tcp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms = 30000);
std::string udp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms = 30000);
// From a socket that is there already.
std::string udp_ask_from(int fd, const std::string& address, std::uint16_t port, const std::string& say,
                         int timeout_ms);
// Sends, keeps its half open, and returns what came in one piece.
std::string tcp_exchange(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms);
// Answers each datagram with what the function makes of it; without a function, never.
void udp_answer(const std::string& address, std::uint16_t port, const std::function<void()>& ready,
                const std::function<std::string(const std::string&)>& answer);
// Answers each connection with "name from PEER: what it got" and closes; never returns.
void tcp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready);
void udp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready);

}  // namespace consort::test
