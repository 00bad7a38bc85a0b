#include "kube/forward.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/os/fd.hpp"
#include "base/os/sockets/inet_address.hpp"
#include "base/strings.hpp"
#include "kube/kinds.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

// Of the one port that a connection is for: its bytes, and what went wrong.
constexpr std::uint8_t data_channel = 0, error_channel = 1;
constexpr std::size_t port_bytes = 2;  // what each channel begins with

Result<Fd> listen_at(const Forward& wanted, std::uint16_t port) {
  const std::string address = wanted.address.empty() ? "127.0.0.1" : wanted.address;
  const std::string where = inet_text(address, port);
  const auto here = inet_address(address, port);
  if (!here) return fail(Error(Code::invalid, "listen on " + where).why("it is not an address"));
  Fd socket(::socket(here->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("make a socket");
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), here->raw(), here->size) < 0 || ::listen(socket.get(), 128) < 0)
    return fail_errno("listen on " + where);
  return socket;
}

std::optional<std::uint16_t> local_port(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
  if (name.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
}

// At its port, or at the first free one of them, which it then has.
Result<Fd> listen_on(Forward& wanted) {
  const std::uint16_t last = std::max(wanted.here, wanted.here_last);
  for (;; ++wanted.here) {
    auto socket = listen_at(wanted, wanted.here);
    const bool taken = !socket && socket.error().code() == Code::conflict;
    if (taken && wanted.here < last) continue;
    if (socket && wanted.here == 0)
      if (const auto got = local_port(socket->get())) wanted.here = *got;
    return socket;
  }
}

// A request that HTTP allows to repeat if its connection has ended without an answer.
bool may_be_asked_again(std::string_view bytes) {
  constexpr std::array<std::string_view, 3> harmless{"GET ", "HEAD ", "OPTIONS "};
  return std::ranges::any_of(harmless, [&](std::string_view each) { return bytes.starts_with(each); });
}

}  // namespace

// Parts of Forwards::State, which has a name that others see.
namespace forwarding {

struct Listener {
  Fd socket;
  Forward forward;
  // That there are no answers; once until there is one, as clients ask again and again while a service starts.
  std::shared_ptr<std::atomic<bool>> told = std::make_shared<std::atomic<bool>>(false);
};

// The pods that connections may go to, as they come and go.
class Targets {
 public:
  explicit Targets(Session& session) : watch_(session.client, session.space, project_selector(session.project_name)) {}

  Result<> list() {
    TRY(watch_.list());
    take();
    return {};
  }
  void follow(const std::stop_token& stop) {
    // What is known stays so while the cluster cannot be reached; it is asked again by and by.
    while (!stop.stop_requested()) {
      (void)watch_.follow(
          [this]() -> Result<Next> {
            take();
            return Next::more;
          },
          stop);
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any pause;
      pause.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
  }

  // One after the other those that are ready, else those that run; "": none.
  std::string next(const std::string& service) {
    const std::scoped_lock lock(mutex_);
    const auto found = pods_.find(object_name(service));
    if (found == pods_.end() || found->second.empty()) return "";
    return found->second[turn_++ % found->second.size()];
  }

 private:
  void take() {
    std::map<std::string, std::vector<std::string>> ready, running;
    for (const auto& [name, pod] : watch_.pods()) {
      if (pod.deleting || !pod.running()) continue;
      (pod.ready ? ready : running)[pod.service].push_back(name);
    }
    ready.merge(running);
    const std::scoped_lock lock(mutex_);
    pods_ = std::move(ready);
  }

  PodWatch watch_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> pods_;  // by service
  std::size_t turn_ = 0;
};

// One connection to one pod: both ways until one side ends.
class Pump {
 public:
  Pump(Session& session, const Forward& forward, int client, int stop)
      : session_(session), forward_(forward), client_(client), stop_(stop) {}

  Result<> run(const std::string& pod) {
    const std::string path = path_of("v1", "Pod", session_.space, pod) + "/portforward";
    sent_ = 0;
    Channels channels = TRY(session_.client.open(with_query(path, {{"ports", std::to_string(forward_.there)}})));
    opened_ = std::chrono::steady_clock::now();
    to_skip_ = {port_bytes, port_bytes};
    while (!channels.closed()) {
      for (const Channels::Message& message : TRY(channels.receive())) TRY(take(message));
      if (channels.closed()) break;
      if (!channels.busy()) TRY(send_kept(channels));
      const bool listens = !input_over_ && !channels.busy() && kept_.size() <= most_kept;
      std::array<pollfd, 3> fds{pollfd{channels.fd(), channels.events(), 0}, pollfd{listens ? client_ : -1, POLLIN, 0},
                                pollfd{stop_, POLLIN, 0}};
      const auto holds = held();
      const int ready = ::poll(fds.data(), fds.size(), holds ? *holds : input_over_ ? linger : -1);
      if (ready < 0 && errno != EINTR) return fail_errno("wait for a connection");
      if ((ready == 0 && !holds) || fds[2].revents) break;
      if (fds[1].revents) TRY(keep_input());
    }
    return {};
  }
  // Another pod may be asked the same: the client has no answer, and nobody has done what it asked for, or it is
  // harmless to do it twice.
  bool may_be_repeated() const { return !answered_ && !forgotten_ && (sent_ == 0 || may_be_asked_again(kept_)); }

 private:
  static constexpr int linger = 10'000;  // ms; for an answer to a client that has said all it had to say
  static constexpr std::size_t most_kept = 256 * 1024;
  // The API does not say that a pod has been connected to, only, soon, that it could not be.
  static constexpr std::chrono::milliseconds until_refused{100};

  Result<> take(const Channels::Message& message) {
    if (message.channel > error_channel) return {};
    std::string_view payload = message.payload;
    const std::size_t skipped = std::min(to_skip_[message.channel], payload.size());
    to_skip_[message.channel] -= skipped;
    payload.remove_prefix(skipped);
    if (payload.empty()) return {};
    if (message.channel == error_channel) {
      // Of several lines, the last one says what went wrong.
      payload = trim(payload);
      payload.remove_prefix(std::min(payload.size(), payload.rfind('\n') + 1));
      return fail(Error(Code::io, answered_ ? "forward a port" : "get an answer").why(std::string(payload)));
    }
    answered_ = true;
    return write_full(client_, payload);
  }

  Result<> keep_input() {
    std::array<std::byte, 16 * 1024> buffer;
    const std::size_t got = TRY(read_some(client_, buffer));
    input_over_ = got == 0;
    kept_.append(reinterpret_cast<const char*>(buffer.data()), got);
    return {};
  }

  // How long what the client has said is not sent yet, in ms: what must not be done twice waits for a refusal.
  std::optional<int> held() const {
    if (sent_ == kept_.size() || answered_ || sent_ > 0 || forgotten_ || may_be_asked_again(kept_)) return std::nullopt;
    const auto left = opened_ + until_refused - std::chrono::steady_clock::now();
    if (left.count() <= 0) return std::nullopt;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

  Result<> send_kept(Channels& channels) {
    if (sent_ == kept_.size() || held()) return {};
    TRY(channels.send(data_channel, std::string_view(kept_).substr(sent_)));
    sent_ = kept_.size();
    if (answered_ || sent_ > most_kept) forget();
    return {};
  }
  void forget() {
    forgotten_ = true;
    kept_.clear();
    sent_ = 0;
  }

  Session& session_;
  const Forward& forward_;
  int client_, stop_;
  std::array<std::size_t, 2> to_skip_{};
  std::chrono::steady_clock::time_point opened_;
  std::string kept_;        // what the client has said, until there is an answer
  std::size_t sent_ = 0;    // of that, to this pod
  bool forgotten_ = false;  // there was more
  bool answered_ = false, input_over_ = false;
};

struct Connection {
  std::atomic<bool> over = false;
  std::jthread thread;
};

}  // namespace forwarding

struct Forwards::State {
  Session& session;
  forwarding::Targets targets;
  std::vector<forwarding::Listener> listeners;
  Fd stop;  // readable at the end of it all
  std::list<forwarding::Connection> connections;
  std::jthread acceptor, follower;

  explicit State(Session& of) : session(of), targets(of) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    const std::uint64_t one = 1;
    if (stop) (void)!::write(stop.get(), &one, sizeof one);
    if (acceptor.joinable()) acceptor.join();  // nothing is added to the list from here on
  }

  void accept_all() {
    std::vector<pollfd> fds{{stop.get(), POLLIN, 0}};
    for (const forwarding::Listener& each : listeners) fds.push_back({each.socket.get(), POLLIN, 0});
    while (::poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR) {
      if (fds[0].revents) return;
      connections.remove_if([](const forwarding::Connection& each) { return each.over.load(); });
      for (std::size_t i = 0; i < listeners.size(); ++i)
        if (fds[i + 1].revents) accept_one(listeners[i]);
    }
  }

  void accept_one(const forwarding::Listener& listener) {
    Fd client(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    forwarding::Connection& made = connections.emplace_back();
    made.thread =
        std::jthread([this, &made, forward = listener.forward, told = listener.told, socket = std::move(client)] {
          const auto ended = serve(forward, socket.get());
          if (ended) told->store(false);
          if (!ended && ended.error().code() != Code::interrupted && !told->exchange(true))
            session.progress.warn("a connection to " + forward.service + ":" + std::to_string(forward.there) + ": " +
                                  ended.error().message());
          made.over = true;
        });
  }

  // A pod that has gone meanwhile is not the client's trouble as long as there is another one.
  Result<> serve(const Forward& forward, int client) {
    constexpr int tries = 3;
    forwarding::Pump pump(session, forward, client, stop.get());
    for (int left = tries;; --left) {
      const std::string pod = targets.next(forward.service);
      if (pod.empty()) return fail(Code::not_found, "service \"" + forward.service + "\" is not running");
      auto ended = pump.run(pod);
      if (ended || left == 1 || !pump.may_be_repeated()) return ended;
    }
  }
};

Forwards::Forwards(std::unique_ptr<State> state) : state_(std::move(state)) {}
Forwards::~Forwards() = default;

std::vector<Forward> Forwards::all() const {
  std::vector<Forward> all;
  for (const forwarding::Listener& each : state_->listeners) all.push_back(each.forward);
  return all;
}

Result<std::unique_ptr<Forwards>> Forwards::start(Session& session, const std::vector<Forward>& wanted) {
  auto state = std::make_unique<State>(session);
  for (Forward each : wanted) {
    Fd socket = TRY(listen_on(each));
    state->listeners.push_back({.socket = std::move(socket), .forward = std::move(each)});
  }
  state->stop = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!state->stop) return fail_errno("make an event");
  State* running = state.get();
  TRY(state->targets.list());
  state->follower = std::jthread([running](const std::stop_token& stop) { running->targets.follow(stop); });
  state->acceptor = std::jthread([running] { running->accept_all(); });
  return std::unique_ptr<Forwards>(new Forwards(std::move(state)));
}

}  // namespace consort::kube
