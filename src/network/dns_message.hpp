// DNS messages (RFC 1035, 6891) as far as the name server at 127.0.0.11 needs them: it reads one question and writes
// addresses or a name; everything else passes through as bytes. We use no library because the supervisor is static and
// small, and this is all that a container's bytes can reach (docs/decisions/0006). Fuzzed by
// tests/fuzz/dns_message_fuzz.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/address.hpp"

namespace consort::dns {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

enum class Rcode : std::uint8_t {
  ok = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
};

inline constexpr std::uint16_t type_a = 1, type_ptr = 12, type_mx = 15, type_aaaa = 28, type_opt = 41;
inline constexpr std::uint16_t class_in = 1;
inline constexpr std::size_t max_udp_without_edns = 512;
inline constexpr std::size_t max_message = 65535;

struct Query {
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;  // 0: a standard query
  std::string name;         // lower case, no final dot; "" is the root; unusual bytes are \DDD
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::size_t question_end = 0;  // offset after the question
  bool edns = false;
  std::size_t max_udp_answer = max_udp_without_edns;
};

// nullopt unless the message is a query with exactly one readable question; answer others with format_error().
std::optional<Query> parse_query(View message);
// The shortest answer to an unreadable message; empty if it has no ID or is itself an answer.
Bytes format_error(View message);

// All answers repeat the question of `message`. limit: bytes; what does not fit is omitted, and the answer marked
// truncated.
Bytes answer_addresses(View message, const Query& query, std::span<const Address> addresses, std::size_t limit);
Bytes answer_name(View message, const Query& query, std::string_view name, std::size_t limit);  // PTR
Bytes answer_empty(View message, const Query& query, Rcode rcode);

// Whether it answers `query` (the IDs and questions match), whatever else it contains.
bool is_answer_to(View answer, View query);
Rcode rcode_of(View answer);  // server_failure if the message is too short
std::uint16_t id_of(View message);
void set_id(Bytes& message, std::uint16_t id);

// The address in "2.0.18.172.in-addr.arpa" or "...ip6.arpa".
std::optional<Address> address_of_reverse(std::string_view name);

}  // namespace consort::dns
