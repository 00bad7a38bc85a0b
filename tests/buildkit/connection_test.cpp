// Both ends are ours here; replay_test.cpp uses recorded HTTP/2 of another implementation.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "buildkit/rpc/connection.hpp"

namespace consort::buildkit {
namespace {

struct Ends {
  std::unique_ptr<Connection> server, client;
};

Ends connect(Connection::Handler handler) {
  auto sockets = make_socket_pair(SOCK_STREAM);
  auto server = Connection::start(std::move(sockets->first), {}, Connection::Role::server, std::move(handler));
  auto client = Connection::start(std::move(sockets->second), {}, Connection::Role::client);
  return {std::move(*server), std::move(*client)};
}

TEST(RpcConnection, AnswersACallAndCarriesItsMetadata) {
  const Ends ends = connect([](Stream& call) {
    const auto message = call.read();
    ASSERT_TRUE(message && *message);
    ASSERT_TRUE(call.write(call.path() + " " + call.header("k") + " " + **message));
    call.finish({});
  });
  const auto answer = ends.client->ask("/a.B/C", "hi", {{"k", "v"}});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer, "/a.B/C v hi");
}

TEST(RpcConnection, AnErrorArrivesWithItsCodeAndText) {
  const Ends ends = connect([](Stream& call) { call.finish({RpcCode::not_found, "no ünicorn", {}}); });
  const auto answer = ends.client->ask("/a.B/C", "hi");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::not_found);
  EXPECT_EQ(answer.error().message(), "no ünicorn");
}

TEST(RpcConnection, MoreThanTheWindowsHoldFlowsBothWays) {
  constexpr std::size_t count = 200;
  const std::string block(100'000, 'x');  // 20 MB each way: windows are far smaller
  const Ends ends = connect([&](Stream& call) {
    while (true) {
      const auto message = call.read();
      if (!message || !*message) break;
      if (!call.write(**message)) break;
    }
    call.finish({});
  });
  const auto call = ends.client->call("/a.B/Echo");
  ASSERT_TRUE(call);
  std::thread writer([&] {
    for (std::size_t i = 0; i < count; ++i)
      if (!(*call)->write(block)) return;
    (*call)->close_send();
  });
  std::size_t got = 0;
  for (;;) {
    const auto message = (*call)->read();
    if (!message || !*message) break;
    EXPECT_EQ(**message, block);
    ++got;
  }
  writer.join();
  EXPECT_EQ(got, count);
}

TEST(RpcConnection, ACallThatIsCancelledStopsItsHandler) {
  std::latch began(1), ended(1);
  const Ends ends = connect([&](Stream& call) {
    began.count_down();
    std::latch stopped(1);
    const std::stop_callback when(call.stopped(), [&] { stopped.count_down(); });
    stopped.wait();
    ended.count_down();
  });
  const auto call = ends.client->call("/a.B/Wait");
  ASSERT_TRUE(call);
  ASSERT_TRUE((*call)->write("x"));
  began.wait();
  (*call)->cancel();
  ended.wait();
  EXPECT_FALSE((*call)->read());
}

TEST(RpcConnection, WhenOneEndGoesTheOtherKnows) {
  Ends ends = connect([](Stream& call) {
    const auto message = call.read();
    const auto none = call.read();  // nothing comes: the client neither writes nor ends
    EXPECT_FALSE(none);
  });
  const auto call = ends.client->call("/a.B/Wait");
  ASSERT_TRUE((*call)->write("x"));
  ends.client->close();
  ends.server->wait_closed();
  EXPECT_FALSE((*call)->read());
  EXPECT_FALSE(ends.client->call("/a.B/Again"));
}

TEST(RpcConnection, WhatIsNotHttpEndsIt) {
  auto sockets = make_socket_pair(SOCK_STREAM);
  std::atomic<int> calls = 0;
  const auto server = Connection::start(std::move(sockets->first), "GET / HTTP/1.1\r\n\r\n", Connection::Role::server,
                                        [&](Stream&) { ++calls; });
  ASSERT_TRUE(server);
  (*server)->wait_closed();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace consort::buildkit
