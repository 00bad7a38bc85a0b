#include "serve/server.hpp"

#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <thread>

#include "base/narrow.hpp"
#include "engine/engine.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"
#include "serve/connections.hpp"
#include "serve/listening.hpp"
#include "serve/tls.hpp"

namespace consort::serve {

namespace {

constexpr std::chrono::seconds idle_under_systemd{60};

// Accepts what waits at one listener.
Result<> take_connections(const Listener& listener, Connections& connections) {
  while (true) {
    Fd client(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    const Peer peer = client ? peer_of(client.get()) : Peer{0};
    if (client && listener.tls()) {
      if (!connections.make_room(peer)) continue;  // no handshake for a refusal
      auto plain = TlsContext::unwrap(listener.tls(), std::move(client));
      if (plain) connections.add(std::move(*plain), peer);
      continue;
    }
    if (client) {
      connections.add(std::move(client), peer);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return {};
    // Out of descriptors: existing connections will end at some time.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return {};
    }
    return fail_errno("accept connection");
  }
}

// A connection needs several, and the usual soft limit of 1024 is less than all of them need.
void take_descriptors() {
  constexpr rlim_t plenty = 16384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= plenty) return;
  limit.rlim_cur = std::min(limit.rlim_max, plenty);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class Server {
 public:
  Server(const Roots& roots, const ServerOptions& options)
      : options_(options), service_(roots, options), connections_(service_) {}

  Result<> open() {
    if (options_.hosts.empty()) listeners_ = TRY(Listener::inherited());
    if (!listeners_.empty() && !options_.idle) options_.idle = idle_under_systemd;
    if (listeners_.empty() && options_.hosts.empty()) options_.hosts.push_back(default_host(service_.roots()));
    std::shared_ptr<TlsContext> tls;
    if (options_.tls) tls = TRY(TlsContext::make(*options_.tls));
    for (const std::string& host : options_.hosts) listeners_.push_back(TRY(Listener::open(host, tls)));
    for (const Listener& listener : listeners_)
      if (options_.on_ready) options_.on_ready(listener.address());
    return {};
  }

  void close() { listeners_.clear(); }
  bool busy() const { return connections_.count() > 0; }

  Result<> run() {
    std::vector<pollfd> fds;
    for (const Listener& listener : listeners_) fds.push_back({listener.fd(), POLLIN, 0});
    fds.push_back({options_.stop_fd, POLLIN, 0});
    fds.push_back({connections_.last_gone_fd(), POLLIN, 0});
    while (true) {
      const bool idle = connections_.count() == 0;
      const int limit = idle && options_.idle ? poll_milliseconds(*options_.idle) : -1;
      const int ready = ::poll(fds.data(), fds.size(), limit);
      if (ready < 0 && errno != EINTR) return fail_errno("poll");
      if (ready < 0) continue;
      // New clients wait at systemd's socket, and the next server answers them.
      if (ready == 0 && connections_.count() == 0) return {};
      if (fds[listeners_.size()].revents != 0) return {};
      connections_.acknowledge();
      if (connections_.count() == 0) ::malloc_trim(0);  // nobody is there: what the last ones needed goes back
      for (std::size_t i = 0; i < listeners_.size(); ++i)
        if (fds[i].revents != 0) TRY(take_connections(listeners_[i], connections_));
    }
  }

 private:
  ServerOptions options_;
  Service service_;
  Connections connections_;
  std::vector<Listener> listeners_;
};

}  // namespace

int poll_milliseconds(std::chrono::seconds idle) {
  return saturated<int>(
      std::chrono::milliseconds(std::min<std::chrono::seconds>(idle, std::chrono::hours(24 * 25))).count());
}

std::string default_host(const Roots& roots) {
  return "unix://" + roots.run + "/docker.sock";
}

Result<> serve(const Roots& roots, const ServerOptions& options) {
  // One thread per connection, and each would keep its own heap.
  ::mallopt(M_ARENA_MAX, 2);
  take_descriptors();
  TRY(roots.prepare());
  auto server = std::make_unique<Server>(roots, options);
  TRY(server->open());
  // Each call opens the database itself. The first to do so reads the whole log: do that once, now.
  const auto keeps_it_open = engine::Engine::open(roots);
  Result<> outcome = server->run();
  server->close();
  if (server->busy()) (void)server.release();  // its threads use it until the program ends
  return outcome;
}

}  // namespace consort::serve
