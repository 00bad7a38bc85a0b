// A container's part of the network: its network namespace, DNS sockets and published ports.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "network/dns.hpp"
#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "supervisor/container/record.hpp"
#include "supervisor/loop/context.hpp"
#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

class ContainerNetwork {
 public:
  explicit ContainerNetwork(Context& context) : context_(context), connections_(*this) {}
  ~ContainerNetwork() { (void)release(); }
  ContainerNetwork(const ContainerNetwork&) = delete;
  ContainerNetwork& operator=(const ContainerNetwork&) = delete;

  // Both call `done` from the loop, once, unless release() is called first; `done` may destroy this object. They take
  // as many turns of the loop as necessary, since a container may publish thousands of ports.
  using Done = std::move_only_function<void(Result<>)>;
  // Creates the namespace and reserves the ports; the descriptors go to the keeper. A failure leaves nothing behind.
  // made: parts of the namespace that already exist, if any.
  void acquire(const ContainerUnit& unit, Sandbox made, Done done);
  // Starts answering DNS and forwarding ports, all or none, when `done` is called.
  void serve(const ContainerUnit& unit, Done done);
  // Changes the endpoints while the container runs: interfaces, default routes, names, and the ports, which follow the
  // default route. A failure restores the previous state. Must not be called again before `done`.
  struct ChangeRequest {
    ContainerUnit before, after;
    SandboxChange::Known before_is_known = SandboxChange::Known::yes;
    // Called before newly bound ports are set in the firewall: they must be recorded first.
    std::function<void()> on_ports;
  };
  void change(ChangeRequest request, Done done);
  // Continues after a predecessor: takes the descriptors that the keeper kept (moves them out of `inheritance`) and
  // becomes responsible for its ports in the firewall, which release() removes.
  void adopt(const ContainerUnit& unit, KeeperLink::Inheritance& inheritance, const Record& record);
  // Continues after the keeper was killed too, so nothing was kept: takes the namespace from `process` (its directory
  // in /proc) and opens the DNS sockets again.
  Result<> recover(const ContainerUnit& unit, int process);
  // Call it after adopt() or recover(): serves as serve() did. Ports whose sockets are gone are bound again; if that
  // fails, it is retried until release(). `changed`: bound_ports() or lost_ports() have changed; called from the loop,
  // at least once. An error means that DNS cannot be served.
  Result<> resume(const ContainerUnit& unit, std::function<void()> changed);
  // Undoes everything as far as possible and collects errors. Harmless if there is nothing to undo.
  Result<> release();

  int netns() const { return sandbox_.netns ? sandbox_.netns.get() : joined_.get(); }  // -1: the host's
  const std::vector<std::string>& host_links() const { return sandbox_.host_links; }
  std::vector<BoundPort> bound_ports() const;  // without lost ports
  std::vector<BoundPort> shown_ports() const;  // plus open ports of its own addresses, as host port 0
  std::vector<LostPort> lost_ports() const;

 private:
  // Stores relayed connections with the keeper, by name.
  class Connections final : public ConnectionKeeper {
   public:
    explicit Connections(ContainerNetwork& network) : network_(network) {}
    void keep(const ConnectionId& id, std::span<const int, KeptConnection::parts> borrowed) override;
    void forget(const ConnectionId& id) override;
    std::vector<KeptConnection> inherited;  // until they are served

   private:
    std::string name_of(const ConnectionId& id) const;
    ContainerNetwork& network_;
  };
  void adopt_connections(std::map<std::string, Fd>& kept);
  Result<> recover_sandbox(const ContainerUnit& unit, int process);

  struct Acquisition;
  struct Change;
  Result<> make_sandbox(const ContainerUnit& unit);
  Result<SteppedWork::Next> acquire_step(Acquisition& acquisition);
  Result<> serve_names(const ContainerUnit& unit);
  PortOwnerLookup owner_lookup() const;
  bool holds_ports() const;
  Result<> open_routed(std::vector<Openings> wanted);
  void end_later(Result<> result, Done done);
  void keep_sandbox();
  void keep_port(std::size_t port);
  std::string port_name(std::size_t port, std::size_t socket) const;  // in the keeper's store

  // container_network_change.cpp
  Result<> leave_target(const PortTarget& next, bool keeps_ports);
  Result<> change_links();
  void change_ports();
  void serve_changed();
  void revert(Error error);
  void end_change(Result<> result);

  // container_network_resume.cpp
  struct Lost {
    BoundPort port;
    std::size_t place;                  // index in ports_
    std::optional<std::size_t> socket;  // index in ports_[place].sockets: bound, but not published yet
    std::string why;                    // empty: not tried yet
  };
  struct Rebinding;
  void find_lost(const ContainerUnit& unit);
  std::set<std::pair<std::size_t, std::size_t>> held_sockets() const;
  void forget_held();
  void try_lost();
  SteppedWork::Next bind_step(Rebinding& rebinding);
  void hold(Lost& lost, ReservedPort port);
  void publish_held();
  void note_published(const Result<>& published);
  Result<> disown_lost();
  Result<> take_back(std::vector<ReservedPort> ports);

  Context& context_;
  std::string id_;
  Sandbox sandbox_;
  Fd joined_;  // another container's namespace
  std::vector<ReservedPort> ports_;
  std::vector<PortPublisher::Id> published_;
  std::vector<Openings> opened_;
  std::vector<BoundPort> were_bound_;  // when the predecessor ended
  std::vector<BoundPort> told_;        // set in the firewall by a predecessor, and not published by us
  PortTarget target_;                  // from a takeover or a change
  std::vector<Lost> lost_;
  bool publishing_held_ = false;
  std::function<void()> changed_;
  EventLoop::Token retry_ = 0;
  Milliseconds retry_delay_{0};
  Connections connections_;
  std::unique_ptr<SteppedWork> work_;  // acquire(), serve(), change() or try_lost()
  std::shared_ptr<Change> change_;     // in progress; others hold it weakly
  DnsServer::Id dns_ = 0;
};

std::vector<EndpointAddress> addresses_of(const ContainerUnit& unit);
std::vector<NameRecord> name_records_of(const ContainerUnit& unit);
DnsClient dns_client_of(const ContainerUnit& unit);
// A namespace ("net", "pid", "ipc", ...) of a running container of any project, found through its run file.
// Code::not_found.
Result<Fd> open_namespace_of(Context& context, const std::string& container_id, const std::string& name);

}  // namespace consort::supervisor
