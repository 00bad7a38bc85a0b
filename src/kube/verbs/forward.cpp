#include "kube/forward.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include "base/os/fd.hpp"
#include "kube/kinds.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

// Of the one port that a connection is for: its bytes, and what went wrong.
constexpr std::uint8_t data_channel = 0, error_channel = 1;
constexpr std::size_t port_bytes = 2;  // what each channel begins with

struct Listener {
  Fd socket;
  Forward forward;
};

Result<Fd> listen_on(const Forward& wanted) {
  const bool v6 = wanted.address.find(':') != std::string::npos;
  const std::string address = wanted.address.empty() ? "127.0.0.1" : wanted.address;
  const std::string where = address + ":" + std::to_string(wanted.here);
  sockaddr_storage storage{};
  socklen_t size = 0;
  int parsed = 0;
  if (v6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(wanted.here);
    parsed = ::inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr);
    size = sizeof in6;
  } else {
    auto& in4 = reinterpret_cast<sockaddr_in&>(storage);
    in4.sin_family = AF_INET;
    in4.sin_port = htons(wanted.here);
    parsed = ::inet_pton(AF_INET, address.c_str(), &in4.sin_addr);
    size = sizeof in4;
  }
  if (parsed != 1) return fail(Error(Code::invalid, "listen on " + where).why("it is no address"));
  Fd socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("make a socket");
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), size) < 0 || ::listen(socket.get(), 128) < 0)
    return fail_errno("listen on " + where);
  return socket;
}

// Both ways until one side ends. An error ends the connection: who waits at its other end sees that.
Result<> pump(Session& session, const Forward& forward, int client, int stop) {
  const PodState pod = TRY(one_pod(session, forward.service, std::nullopt));
  const std::string path = path_of("v1", "Pod", session.space, pod.name) + "/portforward";
  Channels channels = TRY(session.client.open(with_query(path, {{"ports", std::to_string(forward.there)}})));
  std::array<std::size_t, 2> to_skip{port_bytes, port_bytes};
  std::array<std::byte, 16 * 1024> buffer;
  while (!channels.closed()) {
    for (const Channels::Message& message : TRY(channels.receive())) {
      if (message.channel > error_channel) continue;
      std::string_view payload = message.payload;
      const std::size_t skipped = std::min(to_skip[message.channel], payload.size());
      to_skip[message.channel] -= skipped;
      payload.remove_prefix(skipped);
      if (payload.empty()) continue;
      if (message.channel == error_channel) return fail(Error(Code::io, "forward a port").why(std::string(payload)));
      TRY(write_full(client, payload));
    }
    if (channels.closed()) break;
    std::array<pollfd, 3> fds{pollfd{channels.fd(), POLLIN, 0}, pollfd{client, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for a connection");
    if (fds[2].revents) break;
    if (!fds[1].revents) continue;
    const std::size_t got = TRY(read_some(client, buffer));
    if (got == 0) break;
    TRY(channels.send(data_channel, std::string_view(reinterpret_cast<const char*>(buffer.data()), got)));
  }
  return {};
}

struct Connection {
  std::atomic<bool> over = false;
  std::jthread thread;
};

}  // namespace

struct Forwards::State {
  Session& session;
  std::vector<Listener> listeners;
  Fd stop;  // readable at the end of it all
  std::list<Connection> connections;
  std::jthread acceptor;

  explicit State(Session& of) : session(of) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    const std::uint64_t one = 1;
    if (stop) (void)!::write(stop.get(), &one, sizeof one);
    if (acceptor.joinable()) acceptor.join();  // nothing is added to the list from here on
  }

  void accept_all() {
    std::vector<pollfd> fds{{stop.get(), POLLIN, 0}};
    for (const Listener& each : listeners) fds.push_back({each.socket.get(), POLLIN, 0});
    while (::poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR) {
      if (fds[0].revents) return;
      connections.remove_if([](const Connection& each) { return each.over.load(); });
      for (std::size_t i = 0; i < listeners.size(); ++i)
        if (fds[i + 1].revents) accept_one(listeners[i]);
    }
  }

  void accept_one(const Listener& listener) {
    Fd client(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    Connection& made = connections.emplace_back();
    made.thread = std::jthread([this, &made, forward = listener.forward, socket = std::move(client)] {
      const auto ended = pump(session, forward, socket.get(), stop.get());
      if (!ended && ended.error().code() != Code::interrupted)
        session.progress.warn("a connection to " + forward.service + ":" + std::to_string(forward.there) + ": " +
                              ended.error().message());
      made.over = true;
    });
  }
};

Forwards::Forwards(std::unique_ptr<State> state) : state_(std::move(state)) {}
Forwards::~Forwards() = default;

Result<std::unique_ptr<Forwards>> Forwards::start(Session& session, const std::vector<Forward>& wanted) {
  auto state = std::make_unique<State>(session);
  for (const Forward& each : wanted) {
    Fd socket = TRY(listen_on(each));
    state->listeners.push_back({std::move(socket), each});
  }
  state->stop = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!state->stop) return fail_errno("make an event");
  State* running = state.get();
  state->acceptor = std::jthread([running] { running->accept_all(); });
  return std::unique_ptr<Forwards>(new Forwards(std::move(state)));
}

}  // namespace consort::kube
