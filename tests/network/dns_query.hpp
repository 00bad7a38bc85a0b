// A minimal resolver for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/dns_message.hpp"

namespace consort::test {

// edns: the size to offer, 0 for none. Names are used unchanged, however long.
dns::Bytes make_query(std::uint16_t id, const std::string& name, std::uint16_t type, std::uint16_t edns = 0);
// The A and AAAA records of an answer, in order.
std::vector<std::string> addresses_in(const dns::Bytes& answer);

enum class Via { udp, tcp };
// Queries 127.0.0.11 (or another server) in the current namespace: "NOERROR 1.2.3.4 5.6.7.8" sorted, "SERVFAIL",
// "timeout", ...
std::string resolve(const std::string& name, std::uint16_t type = dns::type_a, Via via = Via::udp,
                    const std::string& server = "127.0.0.11", std::uint16_t port = 53);

}  // namespace consort::test
