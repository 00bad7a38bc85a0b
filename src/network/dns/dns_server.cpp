#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

#include "base/strings.hpp"
#include "network/dns.hpp"
#include "network/dns/dns_upstream.hpp"
#include "network/link/socket_address.hpp"

namespace consort {

using dns::Bytes;
using dns::Query;
using dns::Rcode;
using dns::Transport;
using dns::View;

namespace {

constexpr int datagrams_per_event = 64;
constexpr std::size_t max_connections = 32;  // per asker
constexpr std::chrono::seconds idle_connection{10};

struct Connection {
  Fd fd;
  EventLoop::Token token = 0, timer = 0;
  Bytes in, out;
};

struct Asker {
  int udp = -1, tcp = -1;
  EventLoop::Token udp_token = 0, tcp_token = 0;
  DnsClient client;
  std::unordered_map<std::uint64_t, Connection> connections;
};

}  // namespace

struct DnsServer::Impl {
  using Key = std::uint64_t;
  using Reply = std::move_only_function<void(const Bytes&)>;

  Impl(EventLoop& l, DnsTimeouts timeouts, std::uint16_t port, DnsSockets sockets)
      : loop(l), upstreams(l, timeouts, port, std::move(sockets)) {}
  ~Impl();

  void remove(Id id);
  void receive(Id id);
  void accept(Id id);
  void on_connection(Id id, Key key, std::uint32_t events);
  bool read(Id id, Key key);
  bool write(Connection& connection);
  void drop(Id id, Key key);
  void answer(Id id, const Asker& asker, View message, Transport transport, Reply reply);
  std::optional<Bytes> answer_locally(const Asker& asker, View message, const Query& query, std::size_t limit);
  void forward(Id id, const Asker& asker, View message, const Query& query, Transport transport, Reply reply);

  EventLoop& loop;
  std::shared_ptr<const NameTable> table = std::make_shared<const NameTable>();
  std::unordered_map<Id, Asker> askers;
  Key next = 1;
  std::minstd_rand random{std::random_device{}()};
  dns::Upstreams upstreams;  // last, because its callbacks look up askers
};

DnsServer::Impl::~Impl() {
  while (!askers.empty()) remove(askers.begin()->first);
}

void DnsServer::Impl::remove(Id id) {
  const auto found = askers.find(id);
  if (found == askers.end()) return;
  while (!found->second.connections.empty()) drop(id, found->second.connections.begin()->first);
  loop.remove(found->second.udp_token);
  loop.remove(found->second.tcp_token);
  upstreams.cancel_all_of(id);
  askers.erase(found);
}

void DnsServer::Impl::receive(Id id) {
  const auto found = askers.find(id);
  if (found == askers.end()) return;
  std::array<std::uint8_t, 4096> buffer;  // a question is never longer
  for (int i = 0; i < datagrams_per_event; ++i) {
    SocketAddress peer;
    const ssize_t got = ::recvfrom(found->second.udp, buffer.data(), buffer.size(), 0, peer.raw(), &peer.size);
    if (got < 0) return;
    answer(id, found->second, View(buffer.data(), static_cast<std::size_t>(got)), Transport::udp,
           [this, id, peer](const Bytes& bytes) {
             const auto asker = askers.find(id);
             if (asker == askers.end() || bytes.empty()) return;
             (void)::sendto(asker->second.udp, bytes.data(), bytes.size(), MSG_NOSIGNAL, peer.raw(), peer.size);
           });
  }
}

// The answer according to the table; nullopt: ask upstream.
std::optional<Bytes> DnsServer::Impl::answer_locally(const Asker& asker, View message, const Query& query,
                                                     std::size_t limit) {
  if (query.klass != dns::class_in) return std::nullopt;
  const std::vector<std::string>& networks = asker.client.network_ids;
  if (query.type == dns::type_ptr) {
    const auto address = dns::address_of_reverse(query.name);
    const auto name = address ? table->find_name(networks, *address) : std::nullopt;
    if (!name) return std::nullopt;
    return dns::answer_name(message, query, *name, limit);
  }
  if (query.type != dns::type_a && query.type != dns::type_aaaa && query.type != dns::type_mx) return std::nullopt;
  const auto link = asker.client.links.find(query.name);
  auto found = table->find(networks, link == asker.client.links.end() ? query.name : link->second);
  if (!found) return std::nullopt;
  if (query.type == dns::type_mx) return dns::answer_empty(message, query, Rcode::ok);
  std::vector<Address>& addresses = query.type == dns::type_a ? found->ipv4 : found->ipv6;
  std::shuffle(addresses.begin(), addresses.end(), random);
  return dns::answer_addresses(message, query, addresses, limit);
}

void DnsServer::Impl::answer(Id id, const Asker& asker, View message, Transport transport, Reply reply) {
  const std::optional<Query> query = dns::parse_query(message);
  if (!query) return reply(dns::format_error(message));
  if (query->opcode != 0) return reply(dns::answer_empty(message, *query, Rcode::not_implemented));
  const std::size_t limit = transport == Transport::udp ? query->max_udp_answer : dns::max_message;
  if (const auto local = answer_locally(asker, message, *query, limit)) return reply(*local);
  forward(id, asker, message, *query, transport, std::move(reply));
}

// The host's servers may be reachable only from the host (one on loopback, say), and are not used for an internal
// network; servers that were configured for the client are queried from its namespace and work if it can reach them.
void DnsServer::Impl::forward(Id id, const Asker& asker, View message, const Query& query, Transport transport,
                              Reply reply) {
  const Bytes failure = dns::answer_empty(message, query, Rcode::server_failure);
  const DnsClient& client = asker.client;
  dns::Question question{
      .asker = id, .servers = client.upstreams, .netns = client.netns, .query = message, .transport = transport};
  if (client.upstreams.empty()) {
    if (!client.external) return reply(failure);
    question.servers = host_resolvers();
    question.netns = -1;
  }
  // Both paths need the reply; it can be moved into the callback only if the callback is certain to be called.
  auto shared = std::make_shared<Reply>(std::move(reply));
  const auto key = upstreams.ask(std::move(question),
                                 [shared, failure](std::optional<Bytes> got) { (*shared)(got ? *got : failure); });
  if (key == 0) (*shared)(failure);
}

void DnsServer::Impl::accept(Id id) {
  const auto found = askers.find(id);
  if (found == askers.end()) return;
  Fd fd(::accept4(found->second.tcp, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return;
  Asker& asker = found->second;
  // Dropping the oldest connection is better than a container that cannot resolve because of connections it forgot.
  if (asker.connections.size() >= max_connections) drop(id, asker.connections.begin()->first);
  const Key key = next++;
  const auto token = loop.add(
      fd.get(), EPOLLIN, [this, id, key](std::uint32_t e) { on_connection(id, key, e); }, EventLoop::Turn::urgent);
  if (!token) return;
  Connection& connection = asker.connections[key];
  connection.fd = std::move(fd);
  connection.token = *token;
  connection.timer = loop.after(idle_connection, [this, id, key] { drop(id, key); });
}

void DnsServer::Impl::drop(Id id, Key key) {
  const auto asker = askers.find(id);
  if (asker == askers.end()) return;
  const auto connection = asker->second.connections.find(key);
  if (connection == asker->second.connections.end()) return;
  loop.remove(connection->second.token);
  loop.cancel(connection->second.timer);
  asker->second.connections.erase(connection);
}

void DnsServer::Impl::on_connection(Id id, Key key, std::uint32_t events) {
  const auto asker = askers.find(id);
  if (asker == askers.end()) return;
  const auto connection = asker->second.connections.find(key);
  if (connection == asker->second.connections.end()) return;
  if ((events & EPOLLOUT) != 0 && !write(connection->second)) return drop(id, key);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read(id, key)) drop(id, key);
}

// Sends as much as fits, and waits for space for the rest.
bool DnsServer::Impl::write(Connection& connection) {
  const ssize_t put = ::send(connection.fd.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (put < 0 && errno != EAGAIN && errno != EINTR) return false;
  if (put > 0) connection.out.erase(connection.out.begin(), connection.out.begin() + put);
  const std::uint32_t events = connection.out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  return loop.modify(connection.token, events).has_value();
}

// Returns false if the connection must be closed. Answers may come later; each finds its connection by key.
bool DnsServer::Impl::read(Id id, Key key) {
  Asker& asker = askers.at(id);
  Connection& connection = asker.connections.at(key);
  std::array<std::uint8_t, 4096> chunk;
  const ssize_t got = ::recv(connection.fd.get(), chunk.data(), chunk.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0 || connection.out.size() > dns::max_message) return false;
  connection.in.insert(connection.in.end(), chunk.begin(), chunk.begin() + got);
  loop.cancel(connection.timer);
  connection.timer = loop.after(idle_connection, [this, id, key] { drop(id, key); });
  while (asker.connections.contains(key) && connection.in.size() >= 2) {
    const std::size_t size = dns::id_of(connection.in) + std::size_t{2};
    if (connection.in.size() < size) break;
    const Bytes message(connection.in.begin() + 2, connection.in.begin() + static_cast<std::ptrdiff_t>(size));
    connection.in.erase(connection.in.begin(), connection.in.begin() + static_cast<std::ptrdiff_t>(size));
    answer(id, asker, message, Transport::tcp, [this, id, key](const Bytes& bytes) {
      const auto who = askers.find(id);
      if (who == askers.end()) return;
      const auto where = who->second.connections.find(key);
      if (where == who->second.connections.end() || bytes.empty()) return;
      Bytes& out = where->second.out;
      out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
      out.push_back(static_cast<std::uint8_t>(bytes.size() & 0xff));
      out.insert(out.end(), bytes.begin(), bytes.end());
      // A failure shows up again as an event of the connection, which closes it.
      (void)write(where->second);
    });
  }
  return true;
}

DnsServer::DnsServer(EventLoop& loop, DnsTimeouts timeouts, std::uint16_t upstream_port, DnsSockets sockets)
    : impl_(std::make_unique<Impl>(loop, timeouts, upstream_port, std::move(sockets))) {}
DnsServer::~DnsServer() = default;

void DnsServer::set_table(std::shared_ptr<const NameTable> table) {
  impl_->table = table ? std::move(table) : std::make_shared<const NameTable>();
}

namespace {

DnsClient normalized(DnsClient client) {
  std::map<std::string, std::string> links;
  for (auto& [alias, name] : client.links) links[to_lower(alias)] = name;
  client.links = std::move(links);
  return client;
}

}  // namespace

Result<DnsServer::Id> DnsServer::add(int udp, int tcp, DnsClient client) {
  const Id id = impl_->next++;
  Asker& asker = impl_->askers[id];
  asker.udp = udp;
  asker.tcp = tcp;
  asker.client = normalized(std::move(client));
  Impl* impl = impl_.get();
  auto udp_token = impl->loop.add(
      udp, EPOLLIN, [impl, id](std::uint32_t) { impl->receive(id); }, EventLoop::Turn::urgent);
  if (udp_token) asker.udp_token = *udp_token;
  auto tcp_token = impl->loop.add(
      tcp, EPOLLIN, [impl, id](std::uint32_t) { impl->accept(id); }, EventLoop::Turn::urgent);
  if (tcp_token) asker.tcp_token = *tcp_token;
  if (udp_token && tcp_token) return id;
  impl->remove(id);
  return fail(std::move(udp_token ? tcp_token : udp_token).error().wrap("serve names"));
}

void DnsServer::update(Id id, DnsClient client) {
  const auto found = impl_->askers.find(id);
  if (found != impl_->askers.end()) found->second.client = normalized(std::move(client));
}

void DnsServer::remove(Id id) {
  impl_->remove(id);
}

}  // namespace consort
