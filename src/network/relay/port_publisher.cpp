#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/settings.hpp"
#include "network/firewall.hpp"
#include "network/ports.hpp"
#include "network/relay/client_names.hpp"
#include "network/relay/conntrack.hpp"
#include "network/relay/relay.hpp"

namespace consort {

namespace {

std::optional<Address> target_for(const Address& host, const PortTarget& target) {
  // The same family if the container has it; otherwise the relay translates.
  const auto& same = host.is_v4() ? target.ipv4 : target.ipv6;
  const auto& other = host.is_v4() ? target.ipv6 : target.ipv4;
  return same ? same : other;
}

// A socket of a published port, and its target.
struct Served {
  int socket;
  ConnectionId place;  // without a number: identifies the port and socket
  Redirect rule;       // with the target of the kernel's redirection, if there is one
  bool redirected;     // by the kernel; else it needs a guard, if it is a loopback address
  bool outside;        // none of our rules is about it
  RelayTarget target;
};

// As many as fit into a transaction of a few milliseconds.
constexpr std::size_t rules_per_step = 2048;

struct Running {
  std::vector<Served> ports;
  ConnectionKeeper* keeper = nullptr;
  std::vector<KeptConnection> inherited;  // until their relays take them
  PortPublisher::Publication::Predecessor predecessor{};
  std::vector<std::unique_ptr<Relay>> relays;
  std::size_t ruled = 0;  // number of ports that have their rules
  std::optional<conntrack::Forgetting> forgetting;
  std::unique_ptr<SteppedWork> work;  // until it is published
};

using Includes = std::function<bool(std::size_t port, std::size_t socket)>;

// How connections from outside are carried: by the kernel, or by relays for everything, which listen behind the host's
// rules for incoming packets.
using Carriers = Settings::PublishedPorts;

std::vector<Served> plan(std::span<const ReservedPort> ports, const PortTarget& target, Carriers carriers,
                         const Includes& includes = {}) {
  std::vector<Served> served;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const ReservedPort& port = ports[i];
    for (std::size_t j = 0; j < port.sockets.size(); ++j) {
      if (includes && !includes(i, j)) continue;
      const PortSocket& socket = port.sockets[j];
      const std::optional<Address> reached = target_for(socket.address, target);
      if (!reached) continue;
      Redirect rule{port.request.protocol, socket.address, port.host_port, *reached, port.request.container_port};
      const bool redirected = carriers == Carriers::open && !socket.outside && !socket.address.is_loopback() &&
                              reached->family() == socket.address.family();
      served.push_back(
          {socket.fd.get(), {i, j}, rule, redirected, socket.outside, {*reached, port.request.container_port}});
    }
  }
  return served;
}

PortRules rules_of(std::span<const Served> ports) {
  PortRules rules;
  for (const Served& port : ports) {
    if (port.outside) continue;
    if (port.redirected)
      rules.redirects.push_back(port.rule);
    else if (port.rule.host.is_loopback())
      rules.guards.push_back(port.rule);
    else
      rules.relayed.push_back(port.rule);
  }
  return rules;
}

// The rules of a publisher that carried these ports the other way, under the other setting.
PortRules other_rules_of(const PortRules& rules) {
  return {.redirects = rules.relayed, .guards = {}, .relayed = rules.redirects};
}

class KernelPublisher final : public PortPublisher {
 public:
  KernelPublisher(EventLoop& loop, Firewall firewall, Carriers carriers)
      : loop_(loop), firewall_(std::move(firewall)), carriers_(carriers) {}

  Id publish(Publication publication, Done done) override;
  Result<> unpublish(Id id) override;
  Result<> open(const Openings& openings) override;
  Result<> put_back() override;
  Result<> take_back(std::span<const ReservedPort> ports, const PortTarget& target) override;
  Result<> disown(std::span<const ReservedPort> ports, const PortTarget& target) override;

 private:
  Result<SteppedWork::Next> step(Running& running);
  Result<> start_relay(Running& running);
  bool keeps_names();
  void finish(Id id, Result<> worked, Done done);
  // The setting of a publisher that is gone is unknown.
  enum class Whose : std::uint8_t { ours, of_somebody_gone };
  Result<> remove_rules(std::span<const Served> ports, Whose whose);
  Result<> remove_left(const PortRules& rules);
  void forget_flows(const PortRules& rules);

  EventLoop& loop_;
  Firewall firewall_;
  Carriers carriers_;
  RelayBudget budget_ = RelayBudget::of_this_process();
  std::optional<bool> keeps_names_;  // of clients on the host's network; not asked before there is such a port
  Id next_ = 1;
  std::unordered_map<Id, Running> publications_;
  std::map<std::pair<std::string, std::string>, Openings> openings_;  // by bridge and address
  std::unordered_map<Id, std::unique_ptr<SteppedWork>> forgetting_;   // after the end of publications
};

// Extracts the connections of one relay.
std::vector<KeptConnection> take_of(const ConnectionId& place, std::vector<KeptConnection>& all) {
  if (all.empty()) return {};
  const auto others = std::stable_partition(all.begin(), all.end(), [&](const KeptConnection& kept) {
    return kept.id.port != place.port || kept.id.socket != place.socket;
  });
  std::vector<KeptConnection> taken(std::make_move_iterator(others), std::make_move_iterator(all.end()));
  all.erase(others, all.end());
  return taken;
}

// A kernel that cannot mark answers costs no more than the clients' addresses.
bool KernelPublisher::keeps_names() {
  if (!keeps_names_) keeps_names_ = bring_answers_back().has_value();
  return *keeps_names_;
}

Result<> KernelPublisher::start_relay(Running& running) {
  Served& port = running.ports[running.relays.size()];
  if (port.outside && keeps_names()) port.target.name = RelayTarget::Name::client;
  const auto start = [&] {
    if (port.rule.protocol == Protocol::udp) return relay_udp(loop_, port.socket, port.target, budget_);
    const RelayKeeping keeping{running.keeper, port.place.port, port.place.socket};
    return relay_tcp(loop_, port.socket, port.target, budget_, keeping, take_of(port.place, running.inherited));
  };
  running.relays.push_back(TRY_WRAP(start(), "publish port", std::to_string(port.rule.port)));
  return {};
}

Result<SteppedWork::Next> KernelPublisher::step(Running& running) {
  const std::span<const Served> ports = running.ports;
  if (running.relays.size() < ports.size()) {
    TRY(start_relay(running));
    return SteppedWork::Next::step;
  }
  if (running.ruled < ports.size()) {
    const auto some = ports.subspan(running.ruled).first(std::min(rules_per_step, ports.size() - running.ruled));
    running.ruled += some.size();  // first, so that failed ones are removed, too
    const std::string first = std::to_string(some.front().rule.port);
    const PortRules rules = rules_of(some);
    if (running.predecessor == Publication::Predecessor::possible) TRY(firewall_.remove_left(other_rules_of(rules)));
    TRY_WRAP(firewall_.add_ports(rules), some.size() == 1 ? "publish port" : "publish ports from", first);
    return SteppedWork::Next::step;
  }
  if (!running.forgetting) running.forgetting.emplace(rules_of(ports).redirects);
  return running.forgetting->step();
}

PortPublisher::Id KernelPublisher::publish(Publication publication, Done done) {
  const Id id = next_++;
  Running& running = publications_[id];  // the reference stays valid while others come and go
  running.ports = plan(publication.ports, publication.target, carriers_, publication.includes);
  running.keeper = publication.keeper;
  running.inherited = std::move(publication.inherited);
  running.predecessor = publication.predecessor;
  running.work = std::make_unique<SteppedWork>(
      loop_, [this, &running] { return step(running); },
      [this, id, done = std::move(done)](Result<> worked) mutable { finish(id, std::move(worked), std::move(done)); });
  return id;
}

void KernelPublisher::finish(Id id, Result<> worked, Done done) {
  Running& running = publications_.at(id);
  running.forgetting.reset();
  running.work.reset();
  if (!worked) {
    Result<> undone = unpublish(id);
    if (!undone) worked = fail(std::move(worked).error().also(std::move(undone).error()));
  }
  done(std::move(worked));
}

// Tries all of them, even if some fail.
Result<> KernelPublisher::remove_rules(std::span<const Served> ports, Whose whose) {
  std::optional<Error> first;
  for (std::size_t at = 0; at < ports.size(); at += rules_per_step) {
    const PortRules rules = rules_of(ports.subspan(at).first(std::min(rules_per_step, ports.size() - at)));
    Result<> removed = whose == Whose::ours ? firewall_.remove_ports(rules) : remove_left(rules);
    if (removed) continue;
    first = first ? std::move(*first).also(std::move(removed).error()) : std::move(removed).error();
  }
  if (ports.empty()) return {};
  forget_flows(rules_of(ports));
  return first ? Result<>(fail(std::move(*first))) : Result<>();
}

Result<> KernelPublisher::remove_left(const PortRules& rules) {
  Result<> removed = firewall_.remove_left(rules);
  Result<> others = firewall_.remove_left(other_rules_of(rules));
  if (removed || others) return removed ? std::move(others) : std::move(removed);
  return fail(std::move(removed).error().also(std::move(others).error()));
}

// This is not waited for: publishing the same ports again does it, too.
void KernelPublisher::forget_flows(const PortRules& rules) {
  const Id id = next_++;
  auto pass = std::make_shared<conntrack::Forgetting>(rules.redirects);
  // A failure does not harm clients of a removed port: their flow leads nowhere and expires by itself.
  forgetting_[id] = std::make_unique<SteppedWork>(
      loop_, [pass] { return pass->step(); }, [this, id](const Result<>&) { forgetting_.erase(id); });
}

Result<> KernelPublisher::unpublish(Id id) {
  auto found = publications_.extract(id);
  if (found.empty()) return {};
  Running& running = found.mapped();
  running.work.reset();
  running.relays.clear();
  return remove_rules(std::span<const Served>(running.ports).first(running.ruled), Whose::ours);
}

Result<> KernelPublisher::open(const Openings& openings) {
  const std::pair key(openings.bridge, openings.address.to_string());
  if (openings.ports.empty())
    openings_.erase(key);
  else
    openings_[key] = openings;
  return firewall_.set_openings(openings);
}

Result<> KernelPublisher::put_back() {
  if (keeps_names_.value_or(false)) TRY(bring_answers_back());
  for (const auto& [key, openings] : openings_) TRY(firewall_.set_openings(openings));
  for (const auto& [id, running] : publications_) {
    const std::span<const Served> told = std::span(running.ports).first(running.ruled);
    for (std::size_t at = 0; at < told.size(); at += rules_per_step)
      TRY(firewall_.add_ports(rules_of(told.subspan(at).first(std::min(rules_per_step, told.size() - at)))));
  }
  return {};
}

Result<> KernelPublisher::take_back(std::span<const ReservedPort> ports, const PortTarget& target) {
  return remove_rules(plan(ports, target, Carriers::open), Whose::of_somebody_gone);
}

Result<> KernelPublisher::disown(std::span<const ReservedPort> ports, const PortTarget& target) {
  const std::vector<Redirect> redirects = rules_of(plan(ports, target, Carriers::open)).redirects;
  if (redirects.empty()) return {};
  TRY(firewall_.remove_redirects(redirects));
  PortRules rules;
  rules.redirects = redirects;
  forget_flows(rules);
  return {};
}

}  // namespace

Result<std::unique_ptr<PortPublisher>> PortPublisher::create(EventLoop& loop) {
  // In a rootless network there are only relays, on sockets of the host. Unreadable settings are an error of `up`; a
  // restarted supervisor that cannot read them opens no more than any setting would.
  const Result<Settings> settings = read_settings();
  const Carriers carriers = settings ? settings->published_ports : Carriers::filtered;
  return std::make_unique<KernelPublisher>(loop, TRY(Firewall::open()), carriers);
}

}  // namespace consort
