// Restores what other programs remove from the firewall (`nft flush ruleset`, a reload of the host's rules) if running
// containers need it. The kernel reports each change, so there is no polling. One per supervisor, for the bridges of
// its project.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "network/firewall.hpp"
#include "network/nft/foreign_opener.hpp"

namespace consort {

class FirewallGuard {
 public:
  // put_back_ports: called from the loop after bridges have been restored. report: receives a line for a log. programs:
  // those of other firewalls, run in a child process. The process must be single-threaded.
  FirewallGuard(EventLoop& loop, std::function<Result<>()> put_back_ports,
                std::function<void(const std::string&)> report, HostPrograms programs = {});
  ~FirewallGuard();
  FirewallGuard(const FirewallGuard&) = delete;
  FirewallGuard& operator=(const FirewallGuard&) = delete;

  // Sets the bridges of running containers, with their policies from the firewall, or as given if they are not in it.
  // If there are none, nothing is watched.
  Result<> keep(const std::vector<BridgePolicy>& bridges);

 private:
  Result<> begin();
  void on_change();
  void look_after(std::chrono::milliseconds delay);
  Result<> look();

  EventLoop& loop_;
  std::function<Result<>()> put_back_ports_;
  std::function<void(const std::string&)> report_;
  std::vector<BridgePolicy> wanted_, bridges_;  // as given; as found in the firewall
  ForeignOpener opener_;
  Fd changes_;
  EventLoop::Token watch_ = 0, timer_ = 0;
};

}  // namespace consort
