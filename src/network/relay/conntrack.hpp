// The kernel's memory of UDP flows. A flow that it knows keeps the redirection it began with (or began without),
// however often the rules change; a client that never stops sending from one port would talk to a container of
// yesterday.
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

// Forgets the UDP flows to the redirected ports of this host, wherever they lead: one pass over the kernel's table for
// all of them, which takes some 15 ms here. Call step() until it says that it has finished.
class Forgetting {
 public:
  using Next = SteppedWork::Next;
  explicit Forgetting(std::span<const Redirect> redirects);
  Result<Next> step();

 private:
  // What a client may have asked for: a port, of one address or of any.
  struct Asked {
    Family family;
    std::uint16_t port;
    auto operator<=>(const Asked&) const = default;
  };
  struct Flow {
    std::vector<std::uint8_t> original;  // the tuple as the kernel wrote it
    Address destination;                 // whom the client asked
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
