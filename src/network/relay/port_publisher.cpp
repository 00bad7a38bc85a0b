#include <unordered_map>

#include "network/firewall.hpp"
#include "network/ports.hpp"
#include "network/relay/relay.hpp"

namespace consort {

namespace {

std::optional<Address> target_for(const Address& host, const PortTarget& target) {
  // Its own family if the container has it; else the relay translates.
  const auto& same = host.is_v4() ? target.ipv4 : target.ipv6;
  const auto& other = host.is_v4() ? target.ipv6 : target.ipv4;
  return same ? same : other;
}

struct Publication {
  std::vector<Redirect> redirects;
  std::vector<Redirect> guards;
  std::vector<std::unique_ptr<Relay>> relays;
};

// What the kernel redirects, and which loopback addresses it must guard.
void plan_rules(const ReservedPort& port, const PortTarget& target, Publication& publication) {
  for (const PortSocket& socket : port.sockets) {
    Redirect redirect{port.request.protocol, socket.address, port.host_port, {}, port.request.container_port};
    if (socket.address.is_loopback()) {
      publication.guards.push_back(redirect);
      continue;
    }
    const auto& same_family = socket.address.is_v4() ? target.ipv4 : target.ipv6;
    if (!same_family) continue;
    redirect.target = *same_family;
    publication.redirects.push_back(redirect);
  }
}

class KernelPublisher final : public PortPublisher {
 public:
  KernelPublisher(EventLoop& loop, Firewall firewall) : loop_(loop), firewall_(std::move(firewall)) {}

  Result<Id> publish(const ReservedPort& port, const PortTarget& target) override;
  Result<> unpublish(Id id) override;

 private:
  Result<> start_relays(const ReservedPort& port, const PortTarget& target, Publication& publication);
  Result<> withdraw(const Publication& publication);

  EventLoop& loop_;
  Firewall firewall_;
  Id next_ = 1;
  std::unordered_map<Id, Publication> publications_;
};

Result<> KernelPublisher::start_relays(const ReservedPort& port, const PortTarget& target, Publication& publication) {
  for (const PortSocket& socket : port.sockets) {
    const std::optional<Address> address = target_for(socket.address, target);
    if (!address) continue;
    const RelayTarget to{*address, port.request.container_port};
    const bool tcp = port.request.protocol == Protocol::tcp;
    publication.relays.push_back(
        TRY(tcp ? relay_tcp(loop_, socket.fd.get(), to) : relay_udp(loop_, socket.fd.get(), to)));
  }
  return {};
}

Result<> KernelPublisher::withdraw(const Publication& publication) {
  Result<> redirects = firewall_.remove_redirects(publication.redirects);
  Result<> guards = firewall_.release_loopback(publication.guards);
  if (!redirects && !guards) return fail(std::move(redirects).error().also(std::move(guards).error()));
  return redirects ? std::move(guards) : std::move(redirects);
}

Result<PortPublisher::Id> KernelPublisher::publish(const ReservedPort& port, const PortTarget& target) {
  Publication publication;
  plan_rules(port, target, publication);
  const auto build = [&]() -> Result<> {
    TRY(start_relays(port, target, publication));
    TRY(firewall_.guard_loopback(publication.guards));
    return firewall_.add_redirects(publication.redirects);
  };
  Result<> built = build();
  if (!built) {
    Error error = std::move(built).error().wrap("publish port " + std::to_string(port.host_port));
    Result<> undone = withdraw(publication);
    if (!undone) error = std::move(error).also(std::move(undone).error());
    return fail(std::move(error));
  }
  const Id id = next_++;
  publications_.emplace(id, std::move(publication));
  return id;
}

Result<> KernelPublisher::unpublish(Id id) {
  const auto found = publications_.find(id);
  if (found == publications_.end()) return {};
  const Publication publication = std::move(found->second);
  publications_.erase(found);
  return withdraw(publication);
}

}  // namespace

Result<std::unique_ptr<PortPublisher>> PortPublisher::create(EventLoop& loop) {
  return std::make_unique<KernelPublisher>(loop, TRY(Firewall::open()));
}

}  // namespace consort
