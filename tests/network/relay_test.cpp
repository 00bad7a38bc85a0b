// The relay alone, on loopback: bytes arrive completely and in order, however slow a side is, and each end is passed
// on.
#include "network/relay/relay.hpp"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
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
    relay_ = relay_tcp(loop_, front_.fd.get(), {Address::loopback(Family::v4), back_.port}, budget_).value();
    go_on();
  }
  void pause() {
    stop_ = true;
    thread_.join();
  }
  void go_on() {
    stop_ = false;
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
  RelayBudget budget_{100, 100};
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
             SHUT_WR);  // half closed: a hang-up in this state would keep waking a careless loop
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

// Everything up to the end of the stream, and how it ended.
struct Heard {
  std::string bytes;
  int error = 0;
};
Heard hear(int fd) {
  Heard heard;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) heard.error = errno;
    if (got <= 0) return heard;
    heard.bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// Waits until the receiving system has all written bytes: a reset would destroy the others, with or without a relay.
void wait_until_taken(int fd) {
  int left = 1;
  for (int i = 0; i < 12'000 && left != 0; ++i) {
    ASSERT_EQ(::ioctl(fd, SIOCOUTQ, &left), 0);
    if (left != 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(left, 0);
}

// The server answers before it has read everything, and closes: its system sends a reset after the answer.
TEST_F(RelayTest, AnAnswerBeforeAResetArrivesWhole) {
  for (int round = 0; round < 10; ++round) {
    const std::string answer = pattern(50'000, static_cast<unsigned>(round));
    const Fd client = connect_to(front_.port);
    Fd server = accept();
    ASSERT_TRUE(write_full(client.get(), "a question that nobody reads to its end"));
    std::array<char, 1> byte;
    ASSERT_EQ(::recv(server.get(), byte.data(), byte.size(), 0), 1);
    pause();  // the relay finds both at once: the answer and the reset
    ASSERT_TRUE(write_full(server.get(), answer));
    wait_until_taken(server.get());
    server.reset();
    go_on();
    const Heard heard = hear(client.get());
    ASSERT_TRUE(heard.bytes == answer) << "round " << round << ": " << heard.bytes.size();
    EXPECT_EQ(heard.error, ECONNRESET);  // as without a relay: not an orderly end
  }
}

TEST_F(RelayTest, AnAnswerBeforeAResetReachesAClientThatWritesFirst) {
  const std::string answer = pattern(50'000, 1), question(16 << 20, 'q');
  const Fd client = connect_to(front_.port);
  std::thread server([&] {
    Fd fd = accept();
    std::array<char, 1> byte;
    ASSERT_EQ(::recv(fd.get(), byte.data(), byte.size(), 0), 1);
    ASSERT_TRUE(write_full(fd.get(), answer));
    wait_until_taken(fd.get());
  });
  (void)write_full(client.get(), question);  // would block forever if the bytes were not read
  const Heard heard = hear(client.get());
  EXPECT_TRUE(heard.bytes == answer) << heard.bytes.size();
  server.join();
}

TEST_F(RelayTest, WhatAClientSentBeforeItsResetArrives) {
  const std::string question = pattern(50'000, 7);
  Fd client = connect_to(front_.port);
  const Fd server = accept();
  ASSERT_TRUE(write_full(server.get(), "unread"));
  pollfd readable{client.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 10'000), 1);
  pause();
  ASSERT_TRUE(write_full(client.get(), question));
  wait_until_taken(client.get());
  client.reset();
  go_on();
  const Heard heard = hear(server.get());
  EXPECT_TRUE(heard.bytes == question) << heard.bytes.size();
  EXPECT_EQ(heard.error, ECONNRESET);
}

TEST_F(RelayTest, AResetOfBothEndsTheConnection) {
  for (int round = 0; round < 20; ++round) {
    Fd client = connect_to(front_.port), server = accept();
    for (Fd* end : {&client, &server}) {
      const linger now{1, 0};
      ::setsockopt(end->get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      end->reset();
    }
  }
  // The next connection is served: the loop is not busy with the closed one.
  const Fd client = connect_to(front_.port);
  const Fd server = accept();
  ASSERT_TRUE(write_full(server.get(), "still here"));
  std::array<char, 10> bytes;
  EXPECT_EQ(::recv(client.get(), bytes.data(), bytes.size(), MSG_WAITALL), 10);
}

// Stands for the keeper: it holds duplicates, which outlive the relay.
class Keeper final : public ConnectionKeeper {
 public:
  void keep(const ConnectionId& id, std::span<const int, KeptConnection::parts> borrowed) override {
    const std::lock_guard lock(mutex_);
    KeptConnection& kept = kept_[id];
    kept.id = id;
    for (std::size_t i = 0; i < borrowed.size(); ++i) kept.descriptors[i] = duplicate(borrowed[i]).value();
  }
  void forget(const ConnectionId& id) override {
    const std::lock_guard lock(mutex_);
    kept_.erase(id);
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  // Returns duplicates: the keeper keeps its own for the next relay.
  std::vector<KeptConnection> hand_over() {
    const std::lock_guard lock(mutex_);
    std::vector<KeptConnection> all;
    for (const auto& [id, kept] : kept_) {
      KeptConnection& copy = all.emplace_back();
      copy.id = id;
      for (std::size_t i = 0; i < kept.descriptors.size(); ++i)
        copy.descriptors[i] = duplicate(kept.descriptors[i].get()).value();
    }
    return all;
  }

 private:
  std::mutex mutex_;
  std::map<ConnectionId, KeptConnection> kept_;
};

// One relay process after another. A dead one does nothing any more, but its descriptors stay open until the end of the
// test, so that no connection is shut down.
class SuccessionTest : public ::testing::Test {
 protected:
  struct Generation {
    EventLoop loop = EventLoop::create().value();
    std::unique_ptr<Relay> relay;
  };
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    begin({});
  }
  void TearDown() override {
    pause();
    while (!generations_.empty()) generations_.pop_back();
  }
  void begin(std::vector<KeptConnection> inherited) {
    Generation& now = *generations_.emplace_back(std::make_unique<Generation>());
    const RelayTarget target{Address::loopback(Family::v4), back_.port};
    now.relay = relay_tcp(now.loop, front_.fd.get(), target, budget_, {&keeper_}, std::move(inherited)).value();
    stop_ = false;
    thread_ = std::thread([this, &now] {
      while (!stop_) ASSERT_TRUE(now.loop.run_once(std::chrono::milliseconds(20)));
    });
  }
  void pause() {
    stop_ = true;
    thread_.join();
  }
  void succeed() {
    pause();
    begin(keeper_.hand_over());
  }
  void wait_until_kept(std::size_t count) {
    for (int i = 0; i < 6000 && keeper_.size() != count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_EQ(keeper_.size(), count);
  }

  Listener front_ = listen_at_loopback(SOCK_NONBLOCK);
  Listener back_ = listen_at_loopback();
  RelayBudget budget_{100, 100};
  Keeper keeper_;
  std::vector<std::unique_ptr<Generation>> generations_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(SuccessionTest, AConnectionGoesOnThroughManySuccessors) {
  const Fd client = connect_to(front_.port);
  const Fd server(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  wait_until_kept(1);
  const std::string up = pattern(24 << 20, 3), down = pattern(24 << 20, 4);
  std::string got_up, got_down;
  const auto send = [](int fd, const std::string& text) {
    ASSERT_TRUE(write_full(fd, text));
    ::shutdown(fd, SHUT_WR);
  };
  std::thread threads[] = {std::thread([&] { send(client.get(), up); }), std::thread([&] { send(server.get(), down); }),
                           std::thread([&] { got_up = read_all(server.get(), 64 << 20).value_or("?"); }),
                           std::thread([&] { got_down = read_all(client.get(), 64 << 20).value_or("?"); })};
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // somewhere in the middle
    succeed();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

TEST_F(SuccessionTest, WhatCameAfterTheOtherSideHadFinishedArrives) {
  const std::string last_words = pattern(10'000, 5);
  const Fd client = connect_to(front_.port);
  const Fd server(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  wait_until_kept(1);
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_EQ(hear(client.get()).bytes, "");
  pause();
  // The relay's socket is now closed in both directions, with unread bytes in it.
  ASSERT_TRUE(write_full(client.get(), last_words));
  ::shutdown(client.get(), SHUT_WR);
  wait_until_taken(client.get());
  begin(keeper_.hand_over());
  const Heard heard = hear(server.get());
  EXPECT_TRUE(heard.bytes == last_words) << heard.bytes.size();
  EXPECT_EQ(heard.error, 0);
}

TEST_F(SuccessionTest, WhatHasEndedIsNotKept) {
  Fd client = connect_to(front_.port), other = connect_to(front_.port);
  Fd server(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Fd other_server(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  wait_until_kept(2);
  succeed();
  client.reset();
  EXPECT_EQ(hear(server.get()).bytes, "");
  server.reset();
  wait_until_kept(1);
  ASSERT_TRUE(write_full(other.get(), "hello"));
  std::array<char, 5> bytes;
  EXPECT_EQ(::recv(other_server.get(), bytes.data(), bytes.size(), MSG_WAITALL), 5);
}

TEST_F(SuccessionTest, AConnectionOfWhichAPartIsMissingIsReset) {
  const Fd client = connect_to(front_.port);
  const Fd server(::accept4(back_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  wait_until_kept(1);
  pause();
  std::vector<KeptConnection> inherited = keeper_.hand_over();
  inherited[0].descriptors[KeptConnection::down_read].reset();
  begin(std::move(inherited));
  EXPECT_EQ(hear(client.get()).error, ECONNRESET);
  EXPECT_EQ(hear(server.get()).error, ECONNRESET);
}

TEST_F(RelayTest, OneClientCannotTakeAllConnections) {
  FairShare<std::string> share(8);
  int first = 0, second = 0, third = 0;
  while (share.take("first")) ++first;
  while (share.take("second")) ++second;
  while (share.take("third")) ++third;
  EXPECT_EQ(first, 4);
  EXPECT_EQ(second, 2);
  EXPECT_EQ(third, 1);
  share.give_back("first");
  EXPECT_TRUE(share.take("third"));
  EXPECT_FALSE(share.take("first"));
}

}  // namespace
}  // namespace consort
