// Connections from a relay to its container in the client's name: the container sees the client's address and not its
// gateway's. The answers are addressed to another machine, so the network namespace has to bring them back to the relay
// (docs/decisions/0175). For a user's network namespace: on the host's, the kernel redirects packets as they are.
#pragma once

#include <cstdint>
#include <optional>

#include "base/os/fd.hpp"
#include "network/relay/relay.hpp"

namespace consort {

// In the network namespace of the caller, for good. What is there already stays.
Result<> bring_answers_back();

// Opens the connections of one relay.
class Caller {
 public:
  explicit Caller(const RelayTarget& target)
      : target_(target), names_clients_(target.name == RelayTarget::Name::client) {}

  struct Call {
    Fd fd;  // connecting; empty: it failed
    bool as_client = false;
  };
  // SOCK_STREAM or SOCK_DGRAM. In our own name where the client's can't be had.
  Call call(int type, const Address& client, std::uint16_t client_port);
  Fd call_in_own_name(int type) const;
  // Whether the container answered to the client's name, or only to ours. After a few that were lost in a row, its
  // answers go another way (a VPN is its default route): no more of that.
  void answer_came() { lost_ = 0; }
  void answer_was_lost() { names_clients_ = names_clients_ && ++lost_ < lost_in_a_row; }

 private:
  static constexpr int lost_in_a_row = 3;
  bool answers_return(const Address& client);
  Fd call_as(int type, const Address& client, std::uint16_t port) const;

  RelayTarget target_;
  bool names_clients_;
  int lost_ = 0;
  std::optional<Address> gateway_;  // our address in the container's network, once somebody has asked
};

}  // namespace consort
