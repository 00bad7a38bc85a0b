#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <unordered_map>

#include "network/link/socket_address.hpp"
#include "network/relay/relay.hpp"

namespace consort {

namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;  // a pipe's usual capacity
constexpr int chunks_per_event = 16;            // then the other descriptors of the loop get their turn
constexpr int accepts_per_event = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

enum class Flow : std::uint8_t { going, broken };

// From one socket to the other through a pipe.
struct Direction {
  int from = -1;
  int to = -1;
  Pipe pipe;  // made with the first byte: an idle connection costs two descriptors, not six
  std::size_t pending = 0;
  bool ended = false;  // nothing more to read
  bool shut = false;   // told the receiver so

  Flow fill();
  Flow drain();
  Flow pump();
  bool wants_read() const { return !ended && pending == 0; }
  bool wants_write() const { return pending != 0; }
};

Flow Direction::fill() {
  if (!pipe.read) {
    Result<Pipe> made = make_pipe(O_NONBLOCK);
    if (!made) return Flow::broken;
    pipe = *std::move(made);
  }
  const ssize_t got =
      ::splice(from, nullptr, pipe.write.get(), nullptr, chunk_bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Flow::going : Flow::broken;
  ended = got == 0;
  pending += static_cast<std::size_t>(got);
  return Flow::going;
}

Flow Direction::drain() {
  const ssize_t put = ::splice(pipe.read.get(), nullptr, to, nullptr, pending, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (put < 0) return errno == EAGAIN || errno == EINTR ? Flow::going : Flow::broken;
  pending -= static_cast<std::size_t>(put);
  return Flow::going;
}

Flow Direction::pump() {
  for (int i = 0; i < chunks_per_event; ++i) {
    if (!ended && pending == 0 && fill() == Flow::broken) return Flow::broken;
    if (pending == 0) break;
    if (drain() == Flow::broken) return Flow::broken;
    if (pending != 0) break;
  }
  if (ended && pending == 0 && !shut) {
    shut = true;
    ::shutdown(to, SHUT_WR);
  }
  return Flow::going;
}

// One end of a connection in the loop. Without interest it is not registered at all: a hang-up is reported whether or
// not anybody asked, and would keep the loop busy while the other side is slow.
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

// The peer learns that something broke instead of an orderly end.
void reset_on_close(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

class TcpRelay final : public Relay {
 public:
  TcpRelay(EventLoop& loop, int listener, RelayTarget target) : loop_(loop), listener_(listener), target_(target) {}
  ~TcpRelay() override;
  Result<> listen();

 private:
  struct Connection {
    Watched client, server;
    bool connected = false;
    Direction up, down;
  };
  using Key = std::uint64_t;

  void accept_some();
  void open(Fd client);
  void handle(Key key, std::uint32_t events);
  void update(Key key, Watched& end, std::uint32_t interest);
  void close(Key key, Flow how);

  EventLoop& loop_;
  int listener_;
  RelayTarget target_;
  EventLoop::Token listening_ = 0, resume_ = 0;
  Key next_ = 1;
  std::unordered_map<Key, Connection> connections_;
};

Result<> TcpRelay::listen() {
  listening_ = TRY(loop_.add(listener_, EPOLLIN, [this](std::uint32_t) { accept_some(); }));
  return {};
}

TcpRelay::~TcpRelay() {
  loop_.remove(listening_);
  loop_.cancel(resume_);
  while (!connections_.empty()) close(connections_.begin()->first, Flow::going);
}

void TcpRelay::accept_some() {
  for (int i = 0; i < accepts_per_event; ++i) {
    Fd client(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      open(std::move(client));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The waiting connection would wake us at once again; look away until some have ended.
      loop_.remove(std::exchange(listening_, 0));
      resume_ = loop_.after(pause_without_descriptors, [this] { (void)listen(); });
      return;
    }
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

void TcpRelay::open(Fd client) {
  const Key key = next_++;
  Connection connection;
  connection.client.fd = std::move(client);
  connection.server.fd = Fd(::socket(target_.address.domain(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress to(target_.address, target_.port);
  const bool started =
      connection.server.fd && (::connect(connection.server.fd.get(), to.raw(), to.size) == 0 || errno == EINPROGRESS);
  if (!started) return reset_on_close(connection.client.fd.get());
  tune(connection.client.fd.get());
  tune(connection.server.fd.get());
  connection.up = {.from = connection.client.fd.get(), .to = connection.server.fd.get()};
  connection.down = {.from = connection.server.fd.get(), .to = connection.client.fd.get()};
  Connection& kept = connections_.emplace(key, std::move(connection)).first->second;
  update(key, kept.server, EPOLLOUT);
}

void TcpRelay::update(Key key, Watched& end, std::uint32_t interest) {
  if (interest == end.interest && (interest == 0) == (end.token == 0)) return;
  if (interest == 0) {
    loop_.remove(std::exchange(end.token, 0));
  } else if (end.token != 0) {
    (void)loop_.modify(end.token, interest);  // fails only for a token that does not exist
  } else {
    const auto added = loop_.add(end.fd.get(), interest, [this, key](std::uint32_t events) { handle(key, events); });
    end.token = added.value_or(0);
  }
  end.interest = interest;
}

void TcpRelay::handle(Key key, std::uint32_t events) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if ((events & EPOLLERR) != 0) return close(key, Flow::broken);
  if (!connection.connected) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(connection.server.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return close(key, Flow::broken);
    connection.connected = true;
  }
  if (connection.up.pump() == Flow::broken || connection.down.pump() == Flow::broken) return close(key, Flow::broken);
  if (connection.up.shut && connection.down.shut) return close(key, Flow::going);
  const auto interest = [](const Direction& reads, const Direction& writes) {
    return (reads.wants_read() ? std::uint32_t{EPOLLIN} : 0u) | (writes.wants_write() ? std::uint32_t{EPOLLOUT} : 0u);
  };
  update(key, connection.client, interest(connection.up, connection.down));
  update(key, connection.server, interest(connection.down, connection.up));
}

void TcpRelay::close(Key key, Flow how) {
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  loop_.remove(connection.client.token);
  loop_.remove(connection.server.token);
  if (how == Flow::broken) {
    reset_on_close(connection.client.fd.get());
    reset_on_close(connection.server.fd.get());
  }
  connections_.erase(found);
}

}  // namespace

Result<std::unique_ptr<Relay>> relay_tcp(EventLoop& loop, int listener, RelayTarget target) {
  auto relay = std::make_unique<TcpRelay>(loop, listener, target);
  TRY(relay->listen());
  return relay;
}

}  // namespace consort
