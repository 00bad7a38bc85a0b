// The DNS server for containers at 127.0.0.11, like Docker's embedded one. It answers each container with the names on
// its networks and forwards everything else to the container's upstream servers.
//
// Names are in an immutable table that is replaced as a whole, so no answer mixes two states of the project.
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

// The names of a running container on one network.
struct NameRecord {
  std::string network_id;
  std::string network_name;
  std::string container_name;      // also the answer to PTR queries, as "container_name.network_name"
  std::vector<std::string> names;  // container name, service, aliases, short ID, hostname; may repeat
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
  // name: as queried, in any case, without the final dot. nullopt if it is on none of the networks. The first network
  // with addresses of a family supplies the answer, as in Docker, so a peer on two shared networks has one address, not
  // two.
  std::optional<Addresses> find(const std::vector<std::string>& network_ids, std::string_view name) const;
  // The "container.network" name of an address on one of the networks.
  std::optional<std::string> find_name(const std::vector<std::string>& network_ids, const Address& address) const;

 private:
  struct Network {
    std::string name;  // lower case
    std::unordered_map<std::string, Addresses> names;
    std::map<Address, std::string> reverse;
  };
  std::unordered_map<std::string, Network> networks_;  // by ID
};

// The container that queries one pair of sockets.
struct DnsClient {
  std::vector<std::string> network_ids;
  std::map<std::string, std::string> links;  // alias -> name, for this client only
  std::vector<Address> upstreams;            // queried from `netns`; empty: the host's (host_resolvers()), from here
  bool external = true;  // false for internal networks: the host's servers are not queried, other names fail at once
  int netns = -1;        // the client's namespace, borrowed until remove(); -1: this process's
};

struct DnsTimeouts {
  std::chrono::milliseconds attempt{1500};  // per upstream server
  std::chrono::milliseconds total{4500};    // less than the five seconds after which libc retries
};

// Creates the sockets for querying the host's servers; if empty, this process creates its own.
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
  // The sockets are borrowed (the keeper has a duplicate) and must stay open until remove().
  Result<Id> add(int udp, int tcp, DnsClient client);
  void update(Id id, DnsClient client);
  void remove(Id id);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Nameservers in the text of a resolv.conf. Zones and unreadable addresses are ignored.
std::vector<Address> parse_nameservers(std::string_view resolv_conf);
// The host's nameservers. A loopback one is queried from the host's namespace, where it is reachable.
std::vector<Address> host_resolvers();

// A resolv.conf for a container that queries the host's servers directly. Loopback ones, which it cannot reach, are
// omitted; if none are left, public ones are used, as Docker does ("DNS services" in its documentation). Search and
// options are kept.
std::string container_resolv_conf(std::string_view host_resolv_conf);
// The host's resolv.conf, or the one that systemd-resolved provides for this purpose if the host's has only its stub.
std::string read_host_resolv_conf();

}  // namespace consort
