#include "supervisor/loop/control_server.hpp"

#include <unistd.h>

#include "base/os/files/file.hpp"

namespace consort::supervisor {
namespace {

constexpr std::size_t most_connections = 1024;
constexpr std::size_t most_waiting_bytes = std::size_t{4} << 20;
constexpr std::size_t snapshot_part_bytes = 96 * 1024;  // of JSON, well below max_packet_bytes

bool would_block(const Error& error) {
  return error.code() == Code::busy;
}

}  // namespace

ControlServer::ControlServer(EventLoop& loop, std::string path, Handlers handlers)
    : loop_(loop), path_(std::move(path)), handlers_(std::move(handlers)) {}

ControlServer::~ControlServer() {
  loop_.remove(listener_watch_);
  for (const auto& [id, connection] : connections_) loop_.remove(connection.watch);
}

Result<> ControlServer::listen() {
  listener_ = TRY_WRAP(listen_unix(path_, 0600), "serve control socket");
  TRY(set_nonblocking(listener_.get()));
  listener_watch_ = TRY(loop_.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_one(); }));
  return {};
}

bool ControlServer::retire() {
  ::unlink(path_.c_str());
  bool alone = true;
  while (accept_one()) alone = false;
  if (!alone) return false;
  loop_.remove(std::exchange(listener_watch_, 0));
  listener_.reset();
  return true;
}

bool ControlServer::accept_one() {
  auto socket = accept_unix(listener_.get());
  if (!socket) return false;
  // The socket's mode says the same; this holds even if the mode has been changed.
  const auto peer = peer_credentials(socket->get());
  if (!peer || (peer->uid != 0 && peer->uid != ::geteuid())) return true;
  if (connections_.size() >= most_connections || !set_nonblocking(socket->get())) return true;
  const ConnectionId id = next_++;
  const auto watch = loop_.add(socket->get(), EPOLLIN, [this, id](std::uint32_t events) { on_ready(id, events); });
  if (!watch) return true;
  Connection connection;
  connection.socket = std::move(*socket);
  connection.watch = *watch;
  connections_.emplace(id, std::move(connection));
  return true;
}

void ControlServer::close(ConnectionId id) {
  auto node = connections_.extract(id);
  if (node.empty()) return;
  loop_.remove(node.mapped().watch);
  handlers_.on_closed(id);
}

void ControlServer::on_ready(ConnectionId id, std::uint32_t events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if ((events & EPOLLOUT) != 0 && !flush(found->second)) return close(id);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_message(id);
}

// Only one message: the loop comes back for the next one after everything else there is to do.
void ControlServer::read_message(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  auto received = receive_message(found->second.socket.get());
  if (!received && would_block(received.error())) return;
  std::optional<Message> message = std::move(received).value_or(std::nullopt);
  if (!message) return close(id);
  handle(id, std::move(*message));
}

void ControlServer::handle(ConnectionId id, Message message) {
  if (connections_.at(id).dedicated) {
    if (const auto size = resize_from_json(message.text)) handlers_.on_resize(id, *size);
    return;
  }
  auto request = request_from_json(message.text);
  if (!request) return refuse(id, request.error());
  handlers_.on_request(id, std::move(*request), std::move(message.fds));
}

bool ControlServer::flush(Connection& connection) {
  while (!connection.waiting.empty()) {
    const Outgoing& next = connection.waiting.front();
    std::vector<int> fds;
    for (const Fd& fd : next.fds) fds.push_back(fd.get());
    const auto sent = send_message(connection.socket.get(), next.text, fds);
    if (!sent && would_block(sent.error())) break;
    if (!sent) return false;
    connection.waiting_bytes -= next.text.size();
    connection.waiting.pop_front();
  }
  const std::uint32_t events = connection.waiting.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  return loop_.modify(connection.watch, events).has_value();
}

void ControlServer::send(ConnectionId id, const std::string& text, std::vector<Fd> fds) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  connection.waiting_bytes += text.size();
  connection.waiting.push_back(Outgoing{text, std::move(fds)});
  const bool fine =
      flush(connection) && (connection.waiting.size() <= 1 || connection.waiting_bytes <= most_waiting_bytes);
  // Closed from the loop, because callers may still use the connection.
  if (!fine) loop_.after(std::chrono::milliseconds(0), [this, id] { close(id); });
}

void ControlServer::reply(ConnectionId id, const Reply& reply, std::vector<Fd> fds) {
  send(id, reply_to_json(reply), std::move(fds));
}

void ControlServer::refuse(ConnectionId id, const Error& error, std::optional<int> exit_code) {
  Reply answer;
  answer.failure = failure_of(error);
  answer.failure->exit_code = exit_code;
  reply(id, answer);
}

void ControlServer::send_states(ConnectionId id, const std::vector<ObservedContainer>& states) {
  Reply part;
  part.ok = true;
  std::size_t bytes = 0;
  for (const ObservedContainer& state : states) {
    const std::size_t size = state_to_json(state).size();
    if (bytes > 0 && bytes + size > snapshot_part_bytes) {
      part.more = true;
      reply(id, part);
      part.states.clear();
      part.more = false;
      bytes = 0;
    }
    bytes += size;
    part.states.push_back(state);
  }
  reply(id, part);
}

void ControlServer::subscribe(ConnectionId id) {
  if (const auto found = connections_.find(id); found != connections_.end()) found->second.subscribed = true;
}

void ControlServer::dedicate(ConnectionId id) {
  if (const auto found = connections_.find(id); found != connections_.end()) found->second.dedicated = true;
}

void ControlServer::broadcast(const Event& event) {
  std::vector<ConnectionId> listeners;
  for (const auto& [id, connection] : connections_)
    if (connection.subscribed) listeners.push_back(id);
  if (listeners.empty()) return;
  const std::string text = event_to_json(event);
  for (const ConnectionId id : listeners) send(id, text);
}

}  // namespace consort::supervisor
