// Puts back what somebody else has taken out of the firewall (`nft flush ruleset`, a reload of the host's rules):
// everything of ours that containers which run now need. The kernel tells of each change; nothing is asked while there
// is none. One per supervisor, for the bridges of its project.
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
  // put_back_ports: called from the loop after bridges have been put back. report: a line for a log. programs: those
  // of other firewalls, which are run in a child. The process must have one thread.
  FirewallGuard(EventLoop& loop, std::function<Result<>()> put_back_ports,
                std::function<void(const std::string&)> report, HostPrograms programs = {});
  ~FirewallGuard();
  FirewallGuard(const FirewallGuard&) = delete;
  FirewallGuard& operator=(const FirewallGuard&) = delete;

  // The bridges of containers that run: as they are in the firewall now, or as given, if they are not. None: nothing is
  // watched.
  Result<> keep(const std::vector<BridgePolicy>& bridges);

 private:
  Result<> begin();
  void on_change();
  void look_after(std::chrono::milliseconds delay);
  Result<> look();

  EventLoop& loop_;
  std::function<Result<>()> put_back_ports_;
  std::function<void(const std::string&)> report_;
  std::vector<BridgePolicy> wanted_, bridges_;  // as they were given; as the firewall had them
  ForeignOpener opener_;
  Fd changes_;
  EventLoop::Token watch_ = 0, timer_ = 0;
};

}  // namespace consort
