// Whoever takes all connections, or does not read, costs nobody else anything.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <vector>

#include "base/os/files/file.hpp"
#include "serve/api/service.hpp"
#include "serve/connections.hpp"

using namespace consort;         // NOLINT: a test
using namespace consort::serve;  // NOLINT

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Clock::time_point now = Clock::time_point() + std::chrono::hours(1);

Holder idle(Peer peer, Clock::duration age) {
  return {.peer = peer, .idle = true, .since = now - age};
}

Holder busy(Peer peer, Clock::duration age) {
  return {.peer = peer, .idle = false, .since = now - age};
}

TEST(Room, TheGreediestMakesIt) {
  const std::vector<Holder> holders{busy(1, seconds(9)), busy(2, seconds(5)), busy(2, seconds(3)),
                                    idle(2, milliseconds(1)), idle(2, milliseconds(2))};
  EXPECT_EQ(who_makes_room(holders, 3, now), 4U) << "idle longest";
  EXPECT_EQ(who_makes_room(std::span(holders).first(3), 3, now), 2U) << "none is idle: the newest";
}

TEST(Room, NobodyWorksForAnEqual) {
  const std::vector<Holder> holders{busy(1, seconds(9)), busy(2, seconds(5)), idle(2, milliseconds(1))};
  EXPECT_EQ(who_makes_room(holders, 1, now), std::nullopt) << "it would have as many as the other";
  EXPECT_EQ(who_makes_room(holders, 2, now), std::nullopt) << "the greediest itself";
}

TEST(Room, SilenceOfASecondIsEnough) {
  const std::vector<Holder> holders{busy(1, seconds(9)), idle(2, seconds(1)), idle(3, seconds(2))};
  EXPECT_EQ(who_makes_room(holders, 4, now), 2U);
  EXPECT_EQ(who_makes_room(holders, 3, now), 2U) << "its own";
}

TEST(Room, ProcessesAreToldApart) {
  auto pair = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(pair);
  EXPECT_EQ(peer_of(pair->first.get()), static_cast<Peer>(::getpid()));
}

class ConnectionsTest : public testing::Test {
 protected:
  ConnectionsTest() {
    std::string pattern = "/tmp/consort-connections-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    service_.emplace(Roots{.data = directory_ + "/data", .run = directory_ + "/run"}, ServerOptions{});
    connections_.emplace(*service_);
  }
  ~ConnectionsTest() override {
    clients_.clear();
    connections_.reset();
    std::filesystem::remove_all(directory_);
  }

  Fd client_of(Peer peer) {
    auto pair = make_socket_pair(SOCK_STREAM);
    EXPECT_TRUE(pair);
    connections_->add(std::move(pair->second), peer);
    return std::move(pair->first);
  }
  static std::string ask(const Fd& client) {
    EXPECT_TRUE(write_full(client.get(), "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"));
    return read_all(client.get(), 1 << 16).value_or("");
  }

  std::string directory_;
  std::optional<Service> service_;
  std::optional<Connections> connections_;
  std::vector<Fd> clients_;
};

TEST_F(ConnectionsTest, AGreedyClientHasWhatOthersLeave) {
  for (std::size_t i = 0; i < Connections::most; ++i) {
    clients_.push_back(client_of(1));
    // A head that never ends: not idle for good, and nothing that could be answered.
    EXPECT_TRUE(write_full(clients_.back().get(), "GET /_ping HTTP/1.1\r\nX-Slow: "));
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(client_of(2)).starts_with("HTTP/1.1 200")) << "the ordinary one";
  const std::string refused = ask(client_of(1));
  EXPECT_TRUE(refused.empty() || refused.starts_with("HTTP/1.1 503") || refused.starts_with("HTTP/1.1 200")) << refused;
}

TEST_F(ConnectionsTest, WhoDoesNotReadKeepsOnlyItsOwn) {
  Fd slow = client_of(1);
  // Answers that nobody takes fill the socket, and its thread waits; the others have their own.
  std::string many;
  for (int i = 0; i < 20000; ++i) many += "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n";
  (void)::send(slow.get(), many.data(), many.size(), MSG_DONTWAIT);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(client_of(2)).starts_with("HTTP/1.1 200"));
}

}  // namespace
