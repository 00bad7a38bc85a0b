// The name server that containers ask at 127.0.0.11, like Docker's embedded DNS server. Each asker sees the names of
// the networks it is on; everything else goes to its upstream servers.
//
// Names live in an immutable table that is replaced whole: an answer never mixes two states of the project.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "network/address.hpp"

namespace consort {

// What one running container is called on one network.
struct NameRecord {
  std::string network_id;
  std::string network_name;
  std::string container_name;      // also the answer to PTR, as "container_name.network_name"
  std::vector<std::string> names;  // container name, service, aliases, short id, hostname; duplicates are fine
  std::optional<Address> ipv4;
  std::optional<Address> ipv6;
};

class NameTable {
 public:
  NameTable() = default;
  explicit NameTable(const std::vector<NameRecord>& records);

  struct Addresses {
    std::vector<Address> ipv4;
    std::vector<Address> ipv6;
  };
  // name: as asked, in any case, without the final dot. nullopt if no network of the list knows it. The first network
  // that has addresses of a family answers for it, as Docker does: a peer on two shared networks has one address, not
  // two.
  std::optional<Addresses> find(const std::vector<std::string>& network_ids, std::string_view name) const;
  // "container.network" of an address on one of the networks.
  std::optional<std::string> find_name(const std::vector<std::string>& network_ids, const Address& address) const;

 private:
  struct Network {
    std::string name;  // lower case
    std::unordered_map<std::string, Addresses> names;
    std::map<Address, std::string> reverse;
  };
  std::unordered_map<std::string, Network> networks_;  // by id
};

// Who asks on one pair of sockets.
struct DnsClient {
  std::vector<std::string> network_ids;
  std::map<std::string, std::string> links;  // alias -> name, seen by this asker only
  std::vector<Address> upstreams;            // asked from `netns`; empty: the host's (host_resolvers()), from here
  bool external = true;  // false on internal networks: the host's servers are not asked, other names fail at once
  int netns = -1;        // the asker's namespace, borrowed until remove(); -1: this process's
};

struct DnsTimeouts {
  std::chrono::milliseconds attempt{1500};  // per upstream server
  std::chrono::milliseconds total{4500};    // below the five seconds after which libc asks again
};

// Makes the sockets from which the host's servers are asked; empty: they are this process's own.
using DnsSockets = std::function<Result<Fd>(int family, int type)>;

class DnsServer {
 public:
  using Id = std::uint64_t;
  explicit DnsServer(EventLoop& loop, DnsTimeouts timeouts = {}, std::uint16_t upstream_port = 53,
                     DnsSockets sockets = {});
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  void set_table(std::shared_ptr<const NameTable> table);
  // The sockets are borrowed (a duplicate of them is with the keeper) and must stay open until remove().
  Result<Id> add(int udp, int tcp, DnsClient client);
  void update(Id id, DnsClient client);
  void remove(Id id);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Nameservers of a resolv.conf text; zones and unreadable ones are dropped.
std::vector<Address> parse_nameservers(std::string_view resolv_conf);
// Those of this host. A loopback one is asked from the host's namespace, where it is reachable.
std::vector<Address> host_resolvers();

// A resolv.conf for a container that asks the host's servers directly: loopback ones, which it can't reach, are left
// out, and when none is left, public ones stand in, as with Docker (spec 8). Search and options stay.
std::string container_resolv_conf(std::string_view host_resolv_conf);
// The host's, or what systemd-resolved keeps for this purpose where the host's names only its stub.
std::string read_host_resolv_conf();

}  // namespace consort
