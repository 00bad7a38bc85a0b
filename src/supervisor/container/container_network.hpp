// One container's part of the network: its namespace, its DNS sockets, its published ports.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "network/dns.hpp"
#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "supervisor/loop/context.hpp"
#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

class ContainerNetwork {
 public:
  explicit ContainerNetwork(Context& context) : context_(context) {}
  ~ContainerNetwork() { (void)release(); }
  ContainerNetwork(const ContainerNetwork&) = delete;
  ContainerNetwork& operator=(const ContainerNetwork&) = delete;

  // Namespace and reserved ports; the descriptors go to the keeper. On failure nothing is left.
  Result<> acquire(const ContainerUnit& unit);
  // Answers DNS and forwards ports from now on.
  Result<> serve(const ContainerUnit& unit);
  // After a predecessor: takes the descriptors that the keeper kept (they are moved out of `kept`).
  void adopt(const ContainerUnit& unit, std::map<std::string, Fd>& kept, std::vector<std::string> host_links);
  // After a keeper that was killed: nothing was kept. Takes the namespace from process `pid`, opens the sockets for
  // names anew and binds the ports of `bound` again; what of it worked, works. serve() comes after it.
  Result<> recover(const ContainerUnit& unit, pid_t pid, const std::vector<BoundPort>& bound);
  // Everything back, as far as it goes; errors are collected. Harmless when there is nothing.
  Result<> release();

  int netns() const { return sandbox_.netns ? sandbox_.netns.get() : joined_.get(); }  // -1: the host's
  const std::vector<std::string>& host_links() const { return sandbox_.host_links; }
  std::vector<BoundPort> bound_ports() const;

 private:
  Result<> make_sandbox(const ContainerUnit& unit);
  Result<> reserve_ports(const ContainerUnit& unit);
  Result<> recover_sandbox(const ContainerUnit& unit, pid_t pid);
  Result<> recover_ports(const ContainerUnit& unit, const std::vector<BoundPort>& bound);
  void keep(const ContainerUnit& unit);

  Context& context_;
  std::string id_;
  Sandbox sandbox_;
  Fd joined_;  // another container's namespace
  std::vector<ReservedPort> ports_;
  std::vector<PortPublisher::Id> published_;
  DnsServer::Id dns_ = 0;
};

std::vector<EndpointAddress> addresses_of(const ContainerUnit& unit);
std::vector<NameRecord> name_records_of(const ContainerUnit& unit);
DnsClient dns_client_of(const ContainerUnit& unit);
// The network namespace of a running container of any project, by its run file. Code::not_found.
Result<Fd> open_network_of(Context& context, const std::string& container_id);

}  // namespace consort::supervisor
