// Relays between a step and an agent. One thread per step's socket; it never waits for one side only.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <list>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "build/exec/ssh_agent.hpp"

namespace consort::build {

namespace {

constexpr std::size_t max_message = 256 * 1024;  // as in OpenSSH
constexpr std::size_t max_connections = 64;
constexpr unsigned char request_identities = 11, identities_answer = 12, sign_request = 13;
constexpr std::string_view failure("\0\0\0\1\5", 5);

Result<Fd> stream_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("create socket");
  return fd;
}

Result<Fd> connect_stream(const std::string& path) {
  const UnixAddress address = TRY(unix_address(path));
  Fd fd = TRY(stream_socket());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("connect to SSH agent", path);
  return fd;
}

// Completely or not at all: a client that does not read an answer of a few kilobytes is not waited for.
bool send_at_once(int to, std::string_view bytes) {
  return ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size());
}

// Returns false at the end of the stream.
bool receive(int from, AgentMessages& into) {
  char bytes[16384];
  ssize_t got;
  do got = ::recv(from, bytes, sizeof bytes, 0);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  into.add({bytes, static_cast<std::size_t>(got)});
  return true;
}

class Connection {
 public:
  Connection(Fd client, SshRelay::Comments comments) : client_(std::move(client)), comments_(comments) {}
  int client() const { return waiting_ ? -1 : client_.get(); }  // poll ignores negative descriptors
  int agent() const { return agent_.get(); }

  // Return false if that side has ended.
  bool client_has_said(const std::string& agent) { return receive(client_.get(), questions_) && ask(agent); }

  bool agent_has_said(const std::string& agent) {
    if (!receive(agent_.get(), answers_)) return false;
    const auto next = answers_.next();
    if (!next) return false;
    const std::optional<std::string>& answer = *next;
    if (!answer) return true;
    waiting_ = false;
    const auto told = comments_ == SshRelay::Comments::dropped ? without_comments(*answer) : *answer;
    return told && send_at_once(client_.get(), *told) && ask(agent);
  }

 private:
  bool ask(const std::string& agent) {
    while (!waiting_) {
      const auto next = questions_.next();
      if (!next) return false;
      const std::optional<std::string>& question = *next;
      if (!question) return true;
      if (!agent_may_be_asked(*question)) {
        if (!send_at_once(client_.get(), failure)) return false;
        continue;
      }
      if (!agent_) {
        auto connected = connect_stream(agent);
        if (!connected) return false;
        agent_ = std::move(*connected);
      }
      if (!send_at_once(agent_.get(), *question)) return false;
      waiting_ = true;
    }
    return true;
  }

  Fd client_, agent_;
  SshRelay::Comments comments_;
  AgentMessages questions_, answers_;
  bool waiting_ = false;  // for the agent's answer to the last request
};

void serve(int listener, int stop, const std::string& agent, SshRelay::Comments comments) {
  std::list<Connection> connections;
  for (;;) {
    std::vector<pollfd> waits{{stop, POLLIN, 0}, {connections.size() < max_connections ? listener : -1, POLLIN, 0}};
    for (const Connection& each : connections) {
      waits.push_back({each.client(), POLLIN, 0});
      waits.push_back({each.agent(), POLLIN, 0});
    }
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;  // EINTR
    if (waits[0].revents != 0) return;
    std::size_t i = 2;
    for (auto each = connections.begin(); each != connections.end(); i += 2) {
      bool alive = true;
      if (waits[i].revents != 0) alive = each->client_has_said(agent);
      if (alive && waits[i + 1].revents != 0) alive = each->agent_has_said(agent);
      each = alive ? std::next(each) : connections.erase(each);
    }
    if (waits[1].revents != 0) {
      if (Fd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)); client)
        connections.emplace_back(std::move(client), comments);
    }
  }
}

std::size_t number_in(std::string_view four_bytes) {
  std::size_t number = 0;
  for (const char byte : four_bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

std::string four_bytes_of(std::size_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

}  // namespace

Result<std::optional<std::string>> AgentMessages::next() {
  if (buffer_.size() < 4) return std::nullopt;
  const std::size_t length = number_in(buffer_);
  if (length == 0 || length > max_message) return fail(Code::invalid, "read message of SSH agent");
  if (buffer_.size() < 4 + length) return std::nullopt;
  std::string message = buffer_.substr(0, 4 + length);
  buffer_.erase(0, 4 + length);
  return std::optional(std::move(message));
}

bool agent_may_be_asked(std::string_view message) {
  if (message.size() < 5) return false;
  const auto type = static_cast<unsigned char>(message[4]);
  return type == request_identities || type == sign_request;
}

Result<std::string> without_comments(std::string_view message) {
  if (message.size() < 5 || static_cast<unsigned char>(message[4]) != identities_answer) return std::string(message);
  std::string_view rest = message.substr(5);
  const auto take = [&rest](std::size_t size) -> Result<std::string_view> {
    if (rest.size() < size) return fail(Code::invalid, "read message of SSH agent");
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  };
  std::string body(message.substr(4, 1));
  const std::string_view count = TRY(take(4));
  body += count;
  for (std::size_t left = number_in(count); left > 0; --left) {
    const std::string_view size = TRY(take(4));
    body += size;
    body += TRY(take(number_in(size)));
    (void)TRY(take(number_in(TRY(take(4)))));
    body.append(4, '\0');
  }
  return four_bytes_of(body.size()) + body;
}

Result<std::unique_ptr<SshRelay>> SshRelay::start(std::string agent, const std::string& path, Comments comments) {
  std::unique_ptr<SshRelay> relay(new SshRelay);
  relay->agent_ = std::move(agent);
  relay->comments_ = comments;
  const UnixAddress address = TRY(unix_address(path));
  relay->listener_ = TRY(stream_socket());
  if (::bind(relay->listener_.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("bind socket", path);
  if (::listen(relay->listener_.get(), 16) != 0) return fail_errno("listen on", path);
  relay->stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!relay->stop_) return fail_errno("create eventfd");
  relay->thread_ = std::jthread(
      [relay = relay.get()] { serve(relay->listener_.get(), relay->stop_.get(), relay->agent_, relay->comments_); });
  return relay;
}

SshRelay::~SshRelay() {
  const std::uint64_t one = 1;
  if (stop_ && ::write(stop_.get(), &one, sizeof one) < 0) std::abort();  // cannot fail for our own eventfd
}

}  // namespace consort::build
