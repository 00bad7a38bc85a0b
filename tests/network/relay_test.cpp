// The relay alone, on loopback: bytes arrive whole and in order, whoever is slow, and nobody's end is lost.
#include "network/relay/relay.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "network/link/socket_address.hpp"

namespace consort {
namespace {

struct Listener {
  Fd fd;
  std::uint16_t port = 0;
};

Listener listen_at_loopback(int flags = 0) {
  Listener listener{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0))};
  SocketAddress name(Address::loopback(Family::v4), 0);
  EXPECT_EQ(::bind(listener.fd.get(), name.raw(), name.size), 0);
  EXPECT_EQ(::listen(listener.fd.get(), 256), 0);
  EXPECT_EQ(::getsockname(listener.fd.get(), name.raw(), &name.size), 0);
  listener.port = name.port();
  return listener;
}

Fd connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress name(Address::loopback(Family::v4), port);
  EXPECT_EQ(::connect(fd.get(), name.raw(), name.size), 0);
  return fd;
}

std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
  return text;
}

class RelayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    relay_ = relay_tcp(loop_, front_.fd.get(), {Address::loopback(Family::v4), back_.port}).value();
    thread_ = std::thread([this] {
      while (!stop_) ASSERT_TRUE(loop_.run_once(std::chrono::milliseconds(20)));
    });
  }
  void TearDown() override {
    stop_ = true;
    thread_.join();
    relay_.reset();
  }
  Fd accept() { return Fd(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

  Listener front_ = listen_at_loopback(SOCK_NONBLOCK);
  Listener back_ = listen_at_loopback();
  EventLoop loop_ = EventLoop::create().value();
  std::unique_ptr<Relay> relay_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(RelayTest, MuchDataArrivesWholeInBothDirectionsAtOnce) {
  const std::string up = pattern(12 << 20, 1), down = pattern(9 << 20, 2);
  const Fd client = connect_to(front_.port);
  const Fd server = accept();
  std::string got_up, got_down;
  const auto send = [](int fd, const std::string& text) {
    ASSERT_TRUE(write_full(fd, text));
    ::shutdown(fd, SHUT_WR);
  };
  std::thread threads[] = {std::thread([&] { send(client.get(), up); }), std::thread([&] { send(server.get(), down); }),
                           std::thread([&] { got_up = read_all(server.get(), 64 << 20).value_or("?"); }),
                           std::thread([&] { got_down = read_all(client.get(), 64 << 20).value_or("?"); })};
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

TEST_F(RelayTest, ASlowReaderHoldsTheWriterBackAndCostsNoProcessorTime) {
  Fd client = connect_to(front_.port);
  const Fd server = accept();
  const std::string much(32 << 20, 'x');
  std::thread writer([&] {
    (void)write_full(server.get(), much);  // fails when the client gives up
  });
  ::shutdown(client.get(),
             SHUT_WR);  // half closed, the state in which a hang-up would wake a careless loop all the time
  rusage before{}, after{};
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  ::getrusage(RUSAGE_SELF, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::getrusage(RUSAGE_SELF, &after);
  const auto micros = [](const rusage& u) {
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1'000'000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
  };
  EXPECT_LT(micros(after) - micros(before), 100'000);
  const linger now{1, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  client.reset();
  writer.join();  // the reset reaches it
}

TEST_F(RelayTest, AHalfClosedConnectionStillAnswers) {
  const Fd client = connect_to(front_.port);
  ASSERT_TRUE(write_full(client.get(), "question"));
  ::shutdown(client.get(), SHUT_WR);
  const Fd server = accept();
  EXPECT_EQ(read_all(server.get(), 100).value_or("?"), "question");
  ASSERT_TRUE(write_full(server.get(), "answer"));
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_EQ(read_all(client.get(), 100).value_or("?"), "answer");
}

TEST_F(RelayTest, ManyConnectionsDoNotDisturbEachOther) {
  constexpr int count = 100;
  std::thread server([&] {
    for (int i = 0; i < count; ++i) {
      const Fd fd = accept();
      const std::string got = read_all(fd.get(), 1 << 20).value_or("?");
      ASSERT_TRUE(write_full(fd.get(), got));
    }
  });
  std::vector<Fd> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(connect_to(front_.port));
    ASSERT_TRUE(write_full(clients.back().get(), "client " + std::to_string(i)));
    ::shutdown(clients.back().get(), SHUT_WR);
  }
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(read_all(clients[static_cast<std::size_t>(i)].get(), 100).value_or("?"), "client " + std::to_string(i));
  server.join();
}

TEST_F(RelayTest, TheEndOfTheRelayEndsItsConnections) {
  const Fd client = connect_to(front_.port);
  const Fd server = accept();
  stop_ = true;
  thread_.join();
  relay_.reset();
  EXPECT_EQ(read_all(client.get(), 100).value_or("?"), "");
  EXPECT_EQ(read_all(server.get(), 100).value_or("?"), "");
  stop_ = false;
  thread_ = std::thread([] {});
}

}  // namespace
}  // namespace consort
