// The parts of nf_tables over netlink that we need: tables, chains, sets, maps, elements and rules as messages of a
// batch. nft(8) understands all of it, so `nft list table inet consort` is readable.
#pragma once

#include <arpa/inet.h>  // before linux/netfilter.h, which defines the same names only if nobody else has
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/link/netlink.hpp"

namespace consort::nft {

using netlink::Batch;
using netlink::Socket;

using Bytes = std::vector<std::uint8_t>;

// nft(8)'s numbers of data types; a concatenation packs them with six bits each.
enum class Type : std::uint32_t { nf_proto = 2, ipv4 = 7, ipv6 = 8, inet_proto = 12, inet_service = 13, ifname = 41 };
std::size_t size_of(Type type);  // bytes, padded to four as in a concatenation

struct SetSpec {
  std::string name;
  std::vector<Type> key;
  std::vector<Type> data;  // empty: a set, otherwise a map
};

struct Element {
  Bytes key;
  Bytes data;
};

inline constexpr std::uint8_t userdata_comment = 0;  // the type number of a comment in a rule's user data

// The registers of expressions: four of 16 bytes, each also usable as four of 4 bytes.
constexpr std::uint32_t wide(unsigned n) {
  return NFT_REG_1 + n;
}
constexpr std::uint32_t narrow(unsigned n) {
  return NFT_REG32_00 + n;
}

enum class Existing : std::uint8_t { keep, refuse };  // refuse: EEXIST fails the batch
enum class Place : std::uint8_t { first, last };

// The messages for one table.
class Table {
 public:
  Table(Batch& batch, std::uint8_t family, std::string name) : batch_(batch), family_(family), name_(std::move(name)) {}

  void create(Existing existing);
  void remove();
  void add_set(const SetSpec& set);
  struct Hook {
    std::string type;    // "filter", "nat"
    std::uint32_t hook;  // NF_INET_FORWARD, ...
    std::int32_t priority;
  };
  void add_base_chain(const std::string& chain, const Hook& hook);
  void add_chain(const std::string& chain);
  void flush_chain(const std::string& chain);
  void add_elements(const std::string& set, std::span<const Element> elements);
  void remove_elements(const std::string& set, std::span<const Element> elements);
  void remove_rule(const std::string& chain, std::uint64_t handle);

 private:
  friend class Rule;
  void begin(std::uint16_t type, std::uint16_t flags, std::string label);
  void put_elements(std::uint16_t type, std::uint16_t flags, const std::string& set, std::span<const Element>);
  Batch& batch_;
  std::uint8_t family_;
  std::string name_;
  std::uint32_t next_set_id_ = 1;
};

// One rule. Expressions are appended in the order of the calls; the destructor ends the message.
class Rule {
 public:
  // nft(8) shows the comment after the rule, and we identify the rule by it.
  Rule(Table& table, const std::string& chain, Place place = Place::last, const std::string& comment = {});
  ~Rule();
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  Rule& meta(std::uint32_t key, std::uint32_t to);
  Rule& payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length, std::uint32_t to);
  Rule& ct(std::uint32_t key, std::uint32_t to);
  Rule& fib_daddr_type(std::uint32_t to);
  Rule& socket_transparent(std::uint32_t to);  // 1: it is for a socket that may be bound to others' addresses
  Rule& set_mark(std::uint32_t from);
  Rule& mask(std::uint32_t reg, std::uint32_t host_order_mask);  // of four bytes, in place
  Rule& equal(std::uint32_t reg, const Bytes& value);
  Rule& differs(std::uint32_t reg, const Bytes& value);
  Rule& in_set(std::uint32_t reg, const std::string& set);
  Rule& not_in_set(std::uint32_t reg, const std::string& set);
  Rule& map(std::uint32_t reg, const std::string& set, std::uint32_t to);
  Rule& load(std::uint32_t to, const Bytes& value);
  Rule& counter();
  Rule& dnat(std::uint32_t family, std::uint32_t address_reg, std::uint32_t port_reg);
  void masquerade();
  void verdict(std::int32_t code);  // NF_ACCEPT, NF_DROP, NFT_RETURN
  void jump(const std::string& chain);

  // Common first expressions of rules.
  Rule& family_is(std::uint8_t nfproto);
  Rule& from_interface(const std::string& name);
  Rule& to_interface(const std::string& name);

 private:
  class Expression;
  void compare(std::uint32_t reg, std::uint32_t operation, const Bytes& value);
  void decide(std::int32_t code, const std::string& chain);
  void lookup(std::uint32_t reg, const std::string& set, std::uint32_t to, std::uint32_t flags);
  Table& table_;
  Batch& batch_;
  std::size_t expressions_;
};

Bytes bytes_of_u32(std::uint32_t host_order);
Bytes bytes_of_port(std::uint16_t port);                // network order
Bytes bytes_of_name(std::string_view name);             // interface name, 16 bytes
Bytes concatenate(std::initializer_list<Bytes> parts);  // each padded to four bytes

// Queries; a missing table or chain is not an error.
Result<bool> chain_exists(Socket& socket, std::uint8_t family, const std::string& table, const std::string& chain);
struct ForwardChain {
  std::uint8_t family = 0;
  std::string table, name;
  bool drops = false;  // packets that no rule decides on
};
// The chains of all tables that the kernel consults for forwarded packets.
Result<std::vector<ForwardChain>> list_forward_chains(Socket& socket);
// Whether a rule of the table names this interface.
Result<bool> names_interface(Socket& socket, std::uint8_t family, const std::string& table, std::string_view name);
// Whether one rule of the table accepts all packets from interfaces with this name prefix, and another one all packets
// to them.
Result<bool> accepts_interfaces(Socket& socket, std::uint8_t family, const std::string& table,
                                std::string_view beginning);
struct FoundRule {
  std::uint64_t handle = 0;
  std::string comment;
};
Result<std::vector<FoundRule>> list_rules(Socket& socket, std::uint8_t family, const std::string& table,
                                          const std::string& chain);
Result<std::vector<Element>> list_elements(Socket& socket, std::uint8_t family, const std::string& table,
                                           const std::string& set);

// A number that increases with each change of the rules; see Socket::run_nft.
Result<std::uint32_t> generation(Socket& socket);

}  // namespace consort::nft
