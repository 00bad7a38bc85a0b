#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "network/link/socket_address.hpp"
#include "network/relay/client_names.hpp"
#include "network/relay/relay.hpp"

namespace consort {

namespace {

constexpr std::size_t max_datagram = 65535;
constexpr std::size_t max_flows = 1024;  // per published address; the one idle the longest is dropped
constexpr int datagrams_per_event = 64;
constexpr std::chrono::seconds idle_limit{90};
constexpr std::chrono::seconds sweep_interval{30};

// A client, and the address of ours that it sent to: the answer must come from there.
struct FlowKey {
  Address client;
  std::uint16_t client_port = 0;
  Address local;
  auto operator<=>(const FlowKey&) const = default;
};

struct Flow {
  Fd fd;  // connected to the target
  EventLoop::Token token = 0;
  EventLoop::Clock::time_point last_used;
};

// Room for one in_pktinfo or in6_pktinfo.
using Control = std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))>;

std::optional<Address> local_address(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return Address::from_bytes(Family::v4, &info.ipi_addr);
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return Address::from_bytes(Family::v6, &info.ipi6_addr);
    }
  }
  return std::nullopt;
}

template <typename Info>
void put_control(msghdr& header, int level, int type, const Info& info) {
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(part), &info, sizeof info);
}

void set_source(msghdr& header, const Address& source) {
  if (source.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.data(), source.size());
    put_control(header, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.data(), source.size());
    put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

class UdpRelay final : public Relay {
 public:
  UdpRelay(EventLoop& loop, int socket, RelayTarget target, RelayBudget& budget)
      : loop_(loop), socket_(socket), caller_(target), budget_(budget) {}
  ~UdpRelay() override;
  Result<> listen();

 private:
  void receive_some();
  Flow* flow_of(const FlowKey& key);
  std::optional<Flow> open_flow(const FlowKey& key);
  std::map<FlowKey, Flow>::iterator quietest(const std::function<bool(const FlowKey&)>& counts);
  void answer(const FlowKey& key);
  void sweep();
  void drop(std::map<FlowKey, Flow>::iterator flow);

  EventLoop& loop_;
  int socket_;
  Caller caller_;
  RelayBudget& budget_;
  EventLoop::Token token_ = 0, sweeper_ = 0;
  std::map<FlowKey, Flow> flows_;
};

Result<> UdpRelay::listen() {
  const int on = 1;
  if (::setsockopt(socket_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return fail_errno("set IP_PKTINFO");
  ::setsockopt(socket_, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);  // fails on an IPv4 socket, which is fine
  token_ = TRY(loop_.add(socket_, EPOLLIN, [this](std::uint32_t) { receive_some(); }));
  return {};
}

UdpRelay::~UdpRelay() {
  loop_.remove(token_);
  loop_.cancel(sweeper_);
  while (!flows_.empty()) drop(flows_.begin());
}

void UdpRelay::drop(std::map<FlowKey, Flow>::iterator flow) {
  loop_.remove(flow->second.token);
  budget_.give_back_flow(flow->first.client);
  flows_.erase(flow);
}

// The flow that has been idle the longest, among those that count; end() if there is none.
std::map<FlowKey, Flow>::iterator UdpRelay::quietest(const std::function<bool(const FlowKey&)>& counts) {
  auto found = flows_.end();
  for (auto flow = flows_.begin(); flow != flows_.end(); ++flow) {
    const bool quieter = found == flows_.end() || flow->second.last_used < found->second.last_used;
    if (quieter && counts(flow->first)) found = flow;
  }
  return found;
}

void UdpRelay::receive_some() {
  std::array<std::byte, max_datagram> buffer;
  for (int i = 0; i < datagrams_per_event; ++i) {
    SocketAddress client;
    Control control;
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_name = client.raw();
    header.msg_namelen = client.size;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_, &header, 0);
    if (got < 0) return;
    const Address from = client.address();
    const Address local = local_address(header).value_or(Address::any(from.family()));
    Flow* flow = flow_of({from, client.port(), local});
    // Datagrams may be lost, for example because the container is not listening right now.
    if (flow) (void)::send(flow->fd.get(), buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
  }
}

Flow* UdpRelay::flow_of(const FlowKey& key) {
  const auto now = EventLoop::Clock::now();
  if (const auto found = flows_.find(key); found != flows_.end()) {
    found->second.last_used = now;
    return &found->second;
  }
  if (flows_.size() >= max_flows) drop(quietest([](const FlowKey&) { return true; }));
  if (!budget_.take_flow(key.client)) {
    // Drop one of the client's own flows, not one of another client.
    const auto own = quietest([&](const FlowKey& other) { return other.client == key.client; });
    if (own == flows_.end()) return nullptr;
    drop(own);
    if (!budget_.take_flow(key.client)) return nullptr;
  }
  std::optional<Flow> flow = open_flow(key);
  if (!flow) {
    budget_.give_back_flow(key.client);
    return nullptr;
  }
  flow->last_used = now;
  if (sweeper_ == 0) sweeper_ = loop_.after(sweep_interval, [this] { sweep(); });
  return &flows_.emplace(key, std::move(*flow)).first->second;
}

std::optional<Flow> UdpRelay::open_flow(const FlowKey& key) {
  Fd fd = caller_.call(SOCK_DGRAM, key.client, key.client_port).fd;
  if (!fd) return std::nullopt;
  const auto token = loop_.add(fd.get(), EPOLLIN, [this, key](std::uint32_t) { answer(key); });
  if (!token) return std::nullopt;
  return Flow{std::move(fd), *token, {}};
}

void UdpRelay::answer(const FlowKey& key) {
  const auto found = flows_.find(key);
  if (found == flows_.end()) return;
  found->second.last_used = EventLoop::Clock::now();
  std::array<std::byte, max_datagram> buffer;
  for (int i = 0; i < datagrams_per_event; ++i) {
    const ssize_t got = ::recv(found->second.fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == ECONNREFUSED) continue;  // not listening yet; reading the error clears it
    if (got < 0) return;
    SocketAddress to(key.client, key.client_port);
    Control control{};
    iovec part{buffer.data(), static_cast<std::size_t>(got)};
    msghdr header{};
    header.msg_name = to.raw();
    header.msg_namelen = to.size;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    set_source(header, key.local);
    (void)::sendmsg(socket_, &header, MSG_NOSIGNAL);
  }
}

void UdpRelay::sweep() {
  const auto oldest = EventLoop::Clock::now() - idle_limit;
  for (auto flow = flows_.begin(); flow != flows_.end();) {
    const auto here = flow++;
    if (here->second.last_used < oldest) drop(here);
  }
  sweeper_ = flows_.empty() ? 0 : loop_.after(sweep_interval, [this] { sweep(); });
}

}  // namespace

Result<std::unique_ptr<Relay>> relay_udp(EventLoop& loop, int socket, RelayTarget target, RelayBudget& budget) {
  auto relay = std::make_unique<UdpRelay>(loop, socket, target, budget);
  TRY(relay->listen());
  return relay;
}

}  // namespace consort
