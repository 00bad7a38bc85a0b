// The kernel's connection tracking of UDP flows. A known flow keeps the redirection, or the lack of one, that it began
// with, however often the rules change: a client that keeps sending from one port would reach a container that is gone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/os/loop/stepped_work.hpp"
#include "network/firewall.hpp"
#include "network/link/netlink.hpp"

namespace consort::conntrack {

// Deletes the UDP flows to the redirected ports of this host, whatever their targets: one pass over the kernel's table
// for all of them, which takes some 15 ms. Call step() until it reports that it has finished.
class Forgetting {
 public:
  using Next = SteppedWork::Next;
  explicit Forgetting(std::span<const Redirect> redirects);
  Result<Next> step();

 private:
  // A destination that a client may have used: a port at one address or at any.
  struct Asked {
    Family family;
    std::uint16_t port;
    auto operator<=>(const Asked&) const = default;
  };
  struct Flow {
    std::vector<std::uint8_t> original;  // the tuple in the kernel's format
    Address destination;                 // the address that the client used
    std::uint16_t port = 0;
  };
  Result<> begin();
  Result<> begin_list(Family family);
  Result<> forget_some();
  bool is_ours(const Flow& flow) const;
  static std::optional<Flow> read_flow(const netlink::Received& message);

  std::map<Asked, std::vector<Address>> asked_;
  std::vector<Family> to_list_;  // families whose table is still to be read
  std::set<Address> own_;        // this host's addresses
  std::optional<netlink::Socket> socket_;
  std::optional<netlink::Batch> listing_;
  std::vector<Flow> found_;
};

}  // namespace consort::conntrack
