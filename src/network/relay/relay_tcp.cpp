#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <unordered_map>

#include "network/link/socket_address.hpp"
#include "network/relay/client_names.hpp"
#include "network/relay/relay.hpp"
#include "network/relay/relay_pump.hpp"

namespace consort {

RelayBudget RelayBudget::of_this_process() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 1024;
  const std::size_t descriptors = std::min<std::size_t>(limit.rlim_cur, 1 << 20);
  // Five eighths and one eighth; the rest is for the ports themselves, logs and DNS.
  return RelayBudget(descriptors / 10, descriptors / 8);
}

namespace {

constexpr int accepts_per_event = 64;
constexpr std::size_t discarded_per_event = 1 << 20;
constexpr std::chrono::milliseconds pause_without_descriptors{100};
// How often to check whether the last bytes have reached the peer's system: there is no notification for it.
constexpr std::chrono::milliseconds first_look{5}, longest_look{1000};
// Most connections are shorter than this; handing them over would be a waste.
constexpr std::chrono::milliseconds keep_after{100};
constexpr std::size_t kept_per_turn = 32;
constexpr std::chrono::milliseconds keep_pause{10};  // between turns, when there are more
// For the answer to a connection in the client's name: the system asks twice in that time.
constexpr std::chrono::milliseconds answer_limit{1500};

// One end of a connection in the loop. Without interest it is not registered at all: a hang-up is always reported, and
// would keep the loop busy while the other side is slow.
struct Watched {
  Fd fd;
  EventLoop::Token token = 0;
  std::uint32_t interest = 0;
};

void tune(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

enum class Ending : std::uint8_t { orderly, broken };

// Makes the peer see a broken connection instead of an orderly end.
void reset_on_close(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// Resets at once, even if other processes have it open.
void reset_now(int fd) {
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)::connect(fd, &nobody, sizeof nobody);
}

// Once both sides have shut down sending, the kernel no longer knows the peer, although the last bytes may not have
// been read yet.
Address peer_of(int fd) {
  SocketAddress peer;
  if (::getpeername(fd, peer.raw(), &peer.size) == 0) return peer.address();
  return Address::loopback(Family::v4);
}

// Bytes that the peer's system has not acknowledged; a reset would destroy them.
bool has_unsent(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

class TcpRelay final : public Relay {
 public:
  TcpRelay(EventLoop& loop, int listener, RelayTarget target, RelayBudget& budget, RelayKeeping keeping)
      : loop_(loop), listener_(listener), caller_(target), budget_(budget), keeping_(keeping) {}
  ~TcpRelay() override;
  Result<> listen();
  void resume(KeptConnection kept);

 private:
  enum class Side : std::uint8_t { client, server };
  struct Connection {
    Address peer;
    Watched client, server;
    bool connected = false;
    bool as_client = false;
    bool called_again = false;  // in our own name, after nobody had answered to the client's
    bool kept = false;
    // The side that was reset or can no longer be written to. Data that it sent before is still delivered.
    std::optional<Side> dead;
    bool both_dead = false;
    bool discarding = true;     // data that the living side still sends
    EventLoop::Token look = 0;  // waits for the last bytes to arrive
    std::chrono::milliseconds next_look = first_look;
    Pump up, down;

    Watched& end(Side side) { return side == Side::client ? client : server; }
  };
  using Key = std::uint64_t;

  void accept_some();
  void open(Fd client, const SocketAddress& name);
  void reach(Key key, Fd server);
  void await_answer(Key key);
  void look_for_answers();
  void watch(Key key, Side side, std::uint32_t interest);
  void handle(Key key, Side side, std::uint32_t events);
  bool finish_connecting(Connection& connection);
  void mark_dead(Key key, Connection& connection, Side side);
  void discard_input(Connection& connection);
  void end_broken(Key key, Connection& connection);
  void update(Key key, Connection& connection);
  void close(Key key, Ending how);
  void keep_soon(std::chrono::milliseconds delay);
  void keep_some();
  void keep(Key key, Connection& connection);
  ConnectionId id_of(Key key) const { return {keeping_.port, keeping_.socket, key}; }
  void forget(Key key, Connection& connection);

  EventLoop& loop_;
  int listener_;
  Caller caller_;
  RelayBudget& budget_;
  RelayKeeping keeping_;
  EventLoop::Token listening_ = 0, resume_ = 0, keeping_turn_ = 0, answer_turn_ = 0;
  Key next_ = 1;
  std::deque<Key> young_;  // not kept yet, oldest first
  struct Unanswered {
    Key key;
    EventLoop::Clock::time_point limit;
  };
  std::deque<Unanswered> unanswered_;  // called in the client's name, the oldest first
  std::unordered_map<Key, Connection> connections_;
};

Result<> TcpRelay::listen() {
  listening_ = TRY(loop_.add(listener_, EPOLLIN, [this](std::uint32_t) { accept_some(); }));
  return {};
}

TcpRelay::~TcpRelay() {
  loop_.remove(listening_);
  loop_.cancel(resume_);
  loop_.cancel(keeping_turn_);
  loop_.cancel(answer_turn_);
  while (!connections_.empty()) close(connections_.begin()->first, Ending::orderly);
}

void TcpRelay::accept_some() {
  for (int i = 0; i < accepts_per_event; ++i) {
    SocketAddress peer;
    Fd client(::accept4(listener_, peer.raw(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      open(std::move(client), peer);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The waiting connection would wake us again at once; stop listening until some have ended.
      loop_.remove(std::exchange(listening_, 0));
      resume_ = loop_.after(pause_without_descriptors, [this] { (void)listen(); });
      return;
    }
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

void TcpRelay::open(Fd client, const SocketAddress& name) {
  const Key key = next_++;
  const Address peer = name.address();
  Connection connection;
  connection.peer = peer;
  connection.client.fd = std::move(client);
  Caller::Call call = caller_.call(SOCK_STREAM, peer, name.port());
  if (!call.fd || !budget_.take_connection(peer)) return reset_now(connection.client.fd.get());
  tune(connection.client.fd.get());
  connection.as_client = call.as_client;
  connections_.emplace(key, std::move(connection));
  reach(key, std::move(call.fd));
  if (call.as_client) await_answer(key);
  if (keeping_.keeper == nullptr) return;
  young_.push_back(key);
  keep_soon(keep_after);
}

void TcpRelay::reach(Key key, Fd server) {
  Connection& connection = connections_.at(key);
  connection.server.fd = std::move(server);
  tune(connection.server.fd.get());
  connection.up = Pump(connection.client.fd.get(), connection.server.fd.get());
  connection.down = Pump(connection.server.fd.get(), connection.client.fd.get());
  watch(key, Side::server, EPOLLOUT);
}

void TcpRelay::await_answer(Key key) {
  unanswered_.push_back({key, EventLoop::Clock::now() + answer_limit});
  if (answer_turn_ == 0) answer_turn_ = loop_.after(answer_limit, [this] { look_for_answers(); });
}

// Nothing has been read from the client yet: the container's answers may go another way than ours, so once more.
void TcpRelay::look_for_answers() {
  answer_turn_ = 0;
  const auto now = EventLoop::Clock::now();
  for (; !unanswered_.empty() && unanswered_.front().limit <= now; unanswered_.pop_front()) {
    const Key key = unanswered_.front().key;
    const auto found = connections_.find(key);
    if (found == connections_.end() || found->second.connected) continue;
    watch(key, Side::server, 0);
    Fd server = caller_.call_in_own_name(SOCK_STREAM);
    if (!server) {
      close(key, Ending::broken);
      continue;
    }
    found->second.as_client = false;
    found->second.called_again = true;
    reach(key, std::move(server));
  }
  if (!unanswered_.empty())
    answer_turn_ = loop_.after(std::chrono::ceil<std::chrono::milliseconds>(unanswered_.front().limit - now),
                               [this] { look_for_answers(); });
}

void TcpRelay::resume(KeptConnection kept) {
  using Part = KeptConnection::Part;
  const auto take = [&](Part part) { return std::move(kept.descriptors[part]); };
  const Key key = kept.id.number;
  next_ = std::max(next_, key + 1);
  Connection connection;
  connection.client.fd = take(Part::client);
  connection.server.fd = take(Part::server);
  connection.connected = connection.kept = true;
  const int client = connection.client.fd.get(), server = connection.server.fd.get();
  Result<Pump> up = Pump::resume(client, server, {take(Part::up_read), take(Part::up_write)});
  Result<Pump> down = Pump::resume(server, client, {take(Part::down_read), take(Part::down_write)});
  const bool whole = client >= 0 && server >= 0 && up && down;
  if (!whole) {
    // Bytes may be missing: both sides must notice that the connection broke.
    reset_now(client);
    reset_now(server);
    return keeping_.keeper->forget(id_of(key));
  }
  connection.peer = peer_of(client);
  (void)budget_.take_connection(connection.peer);  // the connection exists, so it is admitted regardless of the share
  connection.up = *std::move(up);
  connection.down = *std::move(down);
  update(key, connections_.emplace(key, std::move(connection)).first->second);
}

void TcpRelay::watch(Key key, Side side, std::uint32_t interest) {
  Watched& end = connections_.at(key).end(side);
  if (interest == end.interest && (interest == 0) == (end.token == 0)) return;
  if (interest == 0) {
    loop_.remove(std::exchange(end.token, 0));
  } else if (end.token != 0) {
    (void)loop_.modify(end.token, interest);  // fails only for a token that does not exist
  } else {
    const auto added =
        loop_.add(end.fd.get(), interest, [this, key, side](std::uint32_t events) { handle(key, side, events); });
    end.token = added.value_or(0);
  }
  end.interest = interest;
}

bool TcpRelay::finish_connecting(Connection& connection) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(connection.server.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && connection.as_client) caller_.answer_came();
  if (error == 0 && connection.called_again) caller_.answer_was_lost();
  return connection.connected = error == 0;
}

void TcpRelay::handle(Key key, Side side, std::uint32_t events) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (!connection.connected && !finish_connecting(connection)) return close(key, Ending::broken);
  // An error is not the end yet: data received before it can still be read.
  if ((events & EPOLLERR) != 0) mark_dead(key, connection, side);
  for (const bool upwards : {true, false}) {
    Pump& pump = upwards ? connection.up : connection.down;
    const Pump::Outcome outcome = pump.run();
    if (outcome == Pump::Outcome::going) continue;
    const bool source = outcome == Pump::Outcome::source_died;
    mark_dead(key, connection, source == upwards ? Side::client : Side::server);
  }
  if (connection.dead) return end_broken(key, connection);
  if (connection.up.over() && connection.down.over()) return close(key, Ending::orderly);
  update(key, connection);
}

// The living side first gets everything that the dead one had sent and then the reset, as it would without us.
void TcpRelay::mark_dead(Key key, Connection& connection, Side side) {
  if (connection.dead && *connection.dead != side) connection.both_dead = true;
  if (connection.dead) return;
  connection.dead = side;
  (side == Side::client ? connection.down : connection.up).drop();
  (side == Side::client ? connection.up : connection.down).forbid_shutdown();
  // Even if we die as well, it must not look like an orderly end.
  reset_on_close(connection.client.fd.get());
  reset_on_close(connection.server.fd.get());
  forget(key, connection);
}

// The data is not needed, but a peer that has to write before it reads would wait forever.
void TcpRelay::discard_input(Connection& connection) {
  Watched& alive = connection.end(connection.dead == Side::client ? Side::server : Side::client);
  const ssize_t got = ::recv(alive.fd.get(), nullptr, discarded_per_event, MSG_TRUNC | MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) connection.discarding = false;
}

void TcpRelay::end_broken(Key key, Connection& connection) {
  if (connection.both_dead) return close(key, Ending::broken);
  const bool client_died = connection.dead == Side::client;
  const Side alive = client_died ? Side::server : Side::client;
  if (connection.discarding) discard_input(connection);
  const Pump& rest = client_died ? connection.up : connection.down;
  if (!rest.over()) return update(key, connection);
  if (!has_unsent(connection.end(alive).fd.get())) return close(key, Ending::broken);
  update(key, connection);
  if (connection.look != 0) return;
  connection.look = loop_.after(connection.next_look, [this, key] {
    Connection& waiting = connections_.at(key);
    waiting.look = 0;
    waiting.next_look = std::min(waiting.next_look * 2, longest_look);
    end_broken(key, waiting);
  });
}

void TcpRelay::update(Key key, Connection& connection) {
  const auto interest = [&](Side side, const Pump& reads, const Pump& writes) {
    const bool discards = connection.dead && *connection.dead != side && connection.discarding;
    return (reads.wants_read() || discards ? std::uint32_t{EPOLLIN} : 0u) |
           (writes.wants_write() ? std::uint32_t{EPOLLOUT} : 0u);
  };
  watch(key, Side::client, interest(Side::client, connection.up, connection.down));
  watch(key, Side::server, interest(Side::server, connection.down, connection.up));
}

void TcpRelay::close(Key key, Ending how) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  loop_.remove(connection.client.token);
  loop_.remove(connection.server.token);
  if (connection.look != 0) loop_.cancel(connection.look);
  for (const Watched* end : {&connection.client, &connection.server}) {
    if (how == Ending::broken)
      reset_now(end->fd.get());
    else if (connection.kept)
      ::shutdown(end->fd.get(), SHUT_RDWR);  // the keeper has it open a moment longer
  }
  forget(key, connection);
  budget_.give_back_connection(connection.peer);
  connections_.erase(found);
}

void TcpRelay::keep_soon(std::chrono::milliseconds delay) {
  if (keeping_turn_ != 0) return;
  keeping_turn_ = loop_.after(delay, [this] {
    keeping_turn_ = 0;
    keep_some();
  });
}

// Connections that came after the timer was set are handed over a little early; a timer for each would cost more.
void TcpRelay::keep_some() {
  const std::size_t some = std::min(young_.size(), kept_per_turn);
  for (std::size_t i = 0; i < some; ++i) {
    const Key key = young_.front();
    young_.pop_front();
    const auto found = connections_.find(key);
    if (found == connections_.end() || found->second.dead) continue;
    if (found->second.connected)
      keep(key, found->second);
    else
      young_.push_back(key);
  }
  if (!young_.empty()) keep_soon(some == kept_per_turn ? keep_pause : keep_after);
}

// With both pipes, whether they are needed yet or not: without one, a successor could not tell what it contained.
void TcpRelay::keep(Key key, Connection& connection) {
  if (!connection.up.ensure_pipe() || !connection.down.ensure_pipe()) return;
  const Pipe &up = connection.up.pipe(), &down = connection.down.pipe();
  const std::array<int, KeptConnection::parts> parts{connection.client.fd.get(),
                                                     connection.server.fd.get(),
                                                     up.read.get(),
                                                     up.write.get(),
                                                     down.read.get(),
                                                     down.write.get()};
  keeping_.keeper->keep(id_of(key), parts);
  connection.kept = true;
}

void TcpRelay::forget(Key key, Connection& connection) {
  if (std::exchange(connection.kept, false)) keeping_.keeper->forget(id_of(key));
}

}  // namespace

Result<std::unique_ptr<Relay>> relay_tcp(EventLoop& loop, int listener, RelayTarget target, RelayBudget& budget,
                                         RelayKeeping keeping, std::vector<KeptConnection> inherited) {
  auto relay = std::make_unique<TcpRelay>(loop, listener, target, budget, keeping);
  TRY(relay->listen());
  for (KeptConnection& connection : inherited) relay->resume(std::move(connection));
  return relay;
}

}  // namespace consort
