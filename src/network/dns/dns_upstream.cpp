#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "network/dns/dns_upstream.hpp"
#include "network/link/namespace.hpp"
#include "network/link/socket_address.hpp"

namespace consort::dns {

namespace {

constexpr std::chrono::seconds silence{30};                // how long a server without any answer stays suspect
constexpr std::chrono::milliseconds suspect_attempt{700};  // the time that a suspect server gets

std::uint16_t random_id() {
  std::uint16_t id = 0;
  // Cannot fail for so few bytes once the system has booted; without randomness the fresh port still protects.
  if (::getrandom(&id, sizeof id, 0) < 0) id = 0;
  return id;
}

bool is_unhelpful(Rcode rcode) {
  return rcode == Rcode::server_failure || rcode == Rcode::refused || rcode == Rcode::not_implemented;
}

}  // namespace

Upstreams::~Upstreams() {
  while (!pending_.empty()) cancel(pending_.begin()->first);
}

const Address& Upstreams::server_of(const Pending& pending) const {
  return pending.servers[(pending.attempts - 1) % pending.servers.size()];
}

bool Upstreams::is_silent(const Server& server) const {
  const auto found = silent_.find(server);
  return found != silent_.end() && found->second > EventLoop::Clock::now();
}

Upstreams::Key Upstreams::ask(Question question, Done done) {
  if (question.servers.empty() || !share_.take(question.asker)) return 0;
  const Key key = next_++;
  Pending& pending = pending_[key];
  pending.asker = question.asker;
  pending.netns = question.netns;
  pending.servers = std::move(question.servers);
  pending.suspect = std::all_of(pending.servers.begin(), pending.servers.end(),
                                [&](const Address& server) { return is_silent(server_at(pending, server)); });
  pending.query.assign(question.query.begin(), question.query.end());
  pending.id = id_of(question.query);
  set_id(pending.query, random_id());
  pending.transport = question.transport;
  pending.done = std::move(done);
  pending.deadline = EventLoop::Clock::now() + timeouts_.total;
  attempt(key);
  return key;
}

void Upstreams::cancel(Key key) {
  const auto found = pending_.find(key);
  if (found != pending_.end()) forget(found);
}

void Upstreams::cancel_all_of(std::uint64_t asker) {
  for (auto at = pending_.begin(); at != pending_.end();) {
    const auto here = at++;
    if (here->second.asker == asker) forget(here);
  }
  std::erase_if(silent_, [&](const auto& entry) { return entry.first.first == asker; });
}

void Upstreams::forget(std::unordered_map<Key, Pending>::iterator pending) {
  close(pending->second);
  share_.give_back(pending->second.asker);
  pending_.erase(pending);
}

void Upstreams::close(Pending& pending) {
  loop_.cancel(std::exchange(pending.timer, 0));
  loop_.remove(std::exchange(pending.token, 0));
  pending.socket.reset();
  pending.buffer = {};
  pending.written = 0;
}

void Upstreams::finish(Key key, std::optional<Bytes> answer) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  if (answer) set_id(*answer, found->second.id);
  Done done = std::move(found->second.done);
  forget(found);
  done(std::move(answer));
}

// Tries the next server in turn, until there is an answer, the deadline has passed, or each has refused. Called from
// the loop or from ask(), which must not call back: a result that is available at once is delivered by a timer.
void Upstreams::attempt(Key key) {
  Pending& pending = pending_.at(key);
  close(pending);
  const auto now = EventLoop::Clock::now();
  const bool asked_all = pending.attempts >= pending.servers.size();
  const bool over = now >= pending.deadline || pending.refusals >= pending.servers.size() ||
                    (asked_all && (pending.suspect || pending.unhelpful));
  if (over) {
    const bool answered = pending.unhelpful || pending.refusals != 0;
    if (!answered) {
      for (const Address& server : pending.servers) silent_[server_at(pending, server)] = now + silence;
    }
    pending.timer = loop_.after(EventLoop::Clock::duration::zero(),
                                [this, key] { finish(key, std::move(pending_.at(key).unhelpful)); });
    return;
  }
  ++pending.attempts;
  if (!open(key, pending)) {
    ++pending.refusals;
    pending.timer = loop_.after(EventLoop::Clock::duration::zero(), [this, key] { attempt(key); });
    return;
  }
  const EventLoop::Clock::duration patience = pending.suspect ? suspect_attempt : timeouts_.attempt;
  pending.timer = loop_.at(std::min(now + patience, pending.deadline), [this, key] { attempt(key); });
}

// A socket stays in the namespace in which it was created, wherever it is used.
Result<Fd> Upstreams::open_socket(int domain, int type, int netns) {
  if (netns < 0 && sockets_) return sockets_(domain, type);
  std::optional<NamespaceVisit> visit;
  if (netns >= 0) {
    if (!home_) home_ = TRY(current_network_namespace());
    visit.emplace(TRY(NamespaceVisit::enter(home_.get(), netns)));
  }
  Fd socket(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("create socket");
  return socket;
}

bool Upstreams::open(Key key, Pending& pending) {
  const Address& server = server_of(pending);
  const int type = pending.transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  Result<Fd> socket = open_socket(server.domain(), type, pending.netns);
  if (!socket) return false;
  pending.socket = *std::move(socket);
  const SocketAddress to(server, port_);
  if (::connect(pending.socket.get(), to.raw(), to.size) != 0 && errno != EINPROGRESS) return false;
  std::uint32_t events = EPOLLIN;
  if (pending.transport == Transport::udp) {
    if (::send(pending.socket.get(), pending.query.data(), pending.query.size(), MSG_NOSIGNAL) < 0) return false;
  } else {
    pending.buffer = {static_cast<std::uint8_t>(pending.query.size() >> 8),
                      static_cast<std::uint8_t>(pending.query.size() & 0xff)};
    pending.buffer.insert(pending.buffer.end(), pending.query.begin(), pending.query.end());
    events = EPOLLOUT;
  }
  const auto token = loop_.add(
      pending.socket.get(), events, [this, key](std::uint32_t e) { on_event(key, e); }, EventLoop::Turn::urgent);
  pending.token = token.value_or(0);
  return token.has_value();
}

void Upstreams::on_event(Key key, std::uint32_t events) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  if (found->second.transport == Transport::udp)
    on_udp(key, found->second);
  else
    on_tcp(key, found->second, events);
}

void Upstreams::refused(Key key, Pending& pending) {
  ++pending.refusals;
  attempt(key);
}

void Upstreams::on_udp(Key key, Pending& pending) {
  std::array<std::uint8_t, max_message> buffer;
  const ssize_t got = ::recv(pending.socket.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) refused(key, pending);  // "port unreachable" comes back as ECONNREFUSED
    return;
  }
  const View answer(buffer.data(), static_cast<std::size_t>(got));
  if (is_answer_to(answer, pending.query)) on_answer(key, pending, Bytes(answer.begin(), answer.end()));
}

void Upstreams::on_tcp(Key key, Pending& pending, std::uint32_t events) {
  if ((events & EPOLLERR) != 0) return refused(key, pending);
  const std::size_t to_write = pending.query.size() + 2;
  if (pending.written < to_write) {
    const ssize_t put =
        ::send(pending.socket.get(), pending.buffer.data() + pending.written, to_write - pending.written, MSG_NOSIGNAL);
    if (put < 0) {
      if (errno != EAGAIN && errno != EINTR) refused(key, pending);
      return;
    }
    pending.written += static_cast<std::size_t>(put);
    if (pending.written == to_write) {
      pending.buffer.clear();
      (void)loop_.modify(pending.token, EPOLLIN);  // our own token: it exists
    }
    return;
  }
  std::array<std::uint8_t, 4096> chunk;
  const ssize_t got = ::recv(pending.socket.get(), chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return refused(key, pending);
  pending.buffer.insert(pending.buffer.end(), chunk.begin(), chunk.begin() + got);
  if (pending.buffer.size() < 2) return;
  const std::size_t size = id_of(pending.buffer) + std::size_t{2};
  if (pending.buffer.size() < size) return;
  Bytes answer(pending.buffer.begin() + 2, pending.buffer.begin() + static_cast<std::ptrdiff_t>(size));
  if (!is_answer_to(answer, pending.query)) return refused(key, pending);
  on_answer(key, pending, std::move(answer));
}

void Upstreams::on_answer(Key key, Pending& pending, Bytes answer) {
  silent_.erase(server_at(pending, server_of(pending)));
  if (!is_unhelpful(rcode_of(answer))) return finish(key, std::move(answer));
  pending.unhelpful = std::move(answer);
  attempt(key);
}

}  // namespace consort::dns
