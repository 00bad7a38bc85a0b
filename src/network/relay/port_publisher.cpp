#include <algorithm>
#include <unordered_map>

#include "network/firewall.hpp"
#include "network/ports.hpp"
#include "network/relay/conntrack.hpp"
#include "network/relay/relay.hpp"

namespace consort {

namespace {

std::optional<Address> target_for(const Address& host, const PortTarget& target) {
  // Its own family if the container has it; else the relay translates.
  const auto& same = host.is_v4() ? target.ipv4 : target.ipv6;
  const auto& other = host.is_v4() ? target.ipv6 : target.ipv4;
  return same ? same : other;
}

// A socket of a published port, and where it leads.
struct Served {
  int socket;
  Redirect rule;    // with the target of the kernel's redirection, if there is one
  bool redirected;  // by the kernel; else it needs a guard, if it is a loopback address
  RelayTarget target;
};

// What a transaction takes: some milliseconds' worth.
constexpr std::size_t rules_per_step = 2048;

struct Publication {
  std::vector<Served> ports;
  std::vector<std::unique_ptr<Relay>> relays;
  std::size_t ruled = 0;  // how many ports have their rules
  std::optional<conntrack::Forgetting> forgetting;
  std::unique_ptr<SteppedWork> work;  // until it is published
};

std::vector<Served> plan(std::span<const ReservedPort> ports, const PortTarget& target) {
  std::vector<Served> served;
  for (const ReservedPort& port : ports) {
    for (const PortSocket& socket : port.sockets) {
      const std::optional<Address> reached = target_for(socket.address, target);
      if (!reached) continue;
      Redirect rule{port.request.protocol, socket.address, port.host_port, *reached, port.request.container_port};
      const bool redirected = !socket.address.is_loopback() && reached->family() == socket.address.family();
      served.push_back({socket.fd.get(), rule, redirected, {*reached, port.request.container_port}});
    }
  }
  return served;
}

PortRules rules_of(std::span<const Served> ports) {
  PortRules rules;
  for (const Served& port : ports) {
    if (port.redirected) rules.redirects.push_back(port.rule);
    if (port.rule.host.is_loopback()) rules.guards.push_back(port.rule);
  }
  return rules;
}

class KernelPublisher final : public PortPublisher {
 public:
  KernelPublisher(EventLoop& loop, Firewall firewall) : loop_(loop), firewall_(std::move(firewall)) {}

  Id publish(std::span<const ReservedPort> ports, const PortTarget& target, Done done) override;
  Result<> unpublish(Id id) override;

 private:
  Result<SteppedWork::Next> step(Publication& publication);
  Result<> start_relay(Publication& publication);
  void finish(Id id, Result<> worked, Done done);
  Result<> withdraw(Publication& publication);
  void forget_flows(const PortRules& rules);

  EventLoop& loop_;
  Firewall firewall_;
  Id next_ = 1;
  std::unordered_map<Id, Publication> publications_;
  std::unordered_map<Id, std::unique_ptr<SteppedWork>> forgetting_;  // after the end of publications
};

Result<> KernelPublisher::start_relay(Publication& publication) {
  const Served& port = publication.ports[publication.relays.size()];
  const bool tcp = port.rule.protocol == Protocol::tcp;
  publication.relays.push_back(
      TRY_WRAP(tcp ? relay_tcp(loop_, port.socket, port.target) : relay_udp(loop_, port.socket, port.target),
               "publish port", std::to_string(port.rule.port)));
  return {};
}

Result<SteppedWork::Next> KernelPublisher::step(Publication& publication) {
  const std::span<const Served> ports = publication.ports;
  if (publication.relays.size() < ports.size()) {
    TRY(start_relay(publication));
    return SteppedWork::Next::step;
  }
  if (publication.ruled < ports.size()) {
    const auto some =
        ports.subspan(publication.ruled).first(std::min(rules_per_step, ports.size() - publication.ruled));
    publication.ruled += some.size();  // first: also what fails is taken back
    const std::string first = std::to_string(some.front().rule.port);
    TRY_WRAP(firewall_.add_ports(rules_of(some)), some.size() == 1 ? "publish port" : "publish ports from", first);
    return SteppedWork::Next::step;
  }
  if (!publication.forgetting) publication.forgetting.emplace(rules_of(ports).redirects);
  return publication.forgetting->step();
}

PortPublisher::Id KernelPublisher::publish(std::span<const ReservedPort> ports, const PortTarget& target, Done done) {
  const Id id = next_++;
  Publication& publication = publications_[id];  // stays where it is while others come and go
  publication.ports = plan(ports, target);
  publication.work = std::make_unique<SteppedWork>(
      loop_, [this, &publication] { return step(publication); },
      [this, id, done = std::move(done)](Result<> worked) mutable { finish(id, std::move(worked), std::move(done)); });
  return id;
}

void KernelPublisher::finish(Id id, Result<> worked, Done done) {
  Publication& publication = publications_.at(id);
  publication.forgetting.reset();
  publication.work.reset();
  if (!worked) {
    Result<> undone = unpublish(id);
    if (!undone) worked = fail(std::move(worked).error().also(std::move(undone).error()));
  }
  done(std::move(worked));
}

Result<> KernelPublisher::withdraw(Publication& publication) {
  publication.work.reset();
  publication.relays.clear();
  const std::span<const Served> ports = std::span<const Served>(publication.ports).first(publication.ruled);
  std::optional<Error> first;
  for (std::size_t at = 0; at < ports.size(); at += rules_per_step) {
    const auto some = ports.subspan(at).first(std::min(rules_per_step, ports.size() - at));
    Result<> removed = firewall_.remove_ports(rules_of(some));
    if (removed) continue;
    first = first ? std::move(*first).also(std::move(removed).error()) : std::move(removed).error();
  }
  if (ports.empty()) return {};
  forget_flows(rules_of(ports));
  return first ? Result<>(fail(std::move(*first))) : Result<>();
}

// Nobody waits for it: a publication of the same ports does this on its own.
void KernelPublisher::forget_flows(const PortRules& rules) {
  const Id id = next_++;
  auto pass = std::make_shared<conntrack::Forgetting>(rules.redirects);
  // A failure costs a client of a port that is gone nothing: its flow leads nowhere, and ends by itself.
  forgetting_[id] = std::make_unique<SteppedWork>(
      loop_, [pass] { return pass->step(); }, [this, id](const Result<>&) { forgetting_.erase(id); });
}

Result<> KernelPublisher::unpublish(Id id) {
  auto found = publications_.extract(id);
  return found.empty() ? Result<>() : withdraw(found.mapped());
}

}  // namespace

Result<std::unique_ptr<PortPublisher>> PortPublisher::create(EventLoop& loop) {
  return std::make_unique<KernelPublisher>(loop, TRY(Firewall::open()));
}

}  // namespace consort
