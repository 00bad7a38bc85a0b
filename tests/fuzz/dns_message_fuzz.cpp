// Any packet that a container sends to 127.0.0.11, and any answer of an upstream server.
#include <cstdint>
#include <cstdlib>

#include "network/dns.hpp"
#include "network/dns_message.hpp"

using namespace consort;  // NOLINT: one file, one purpose

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_answers(dns::View message, const dns::Query& query) {
  const Address addresses[] = {Address::loopback(Family::v4), Address::loopback(Family::v6)};
  for (const std::size_t limit : {std::size_t{512}, query.max_udp_answer}) {
    const dns::Bytes answer = dns::answer_addresses(message, query, addresses, limit);
    require(answer.size() <= limit);
    require(dns::is_answer_to(answer, message));
    require(dns::answer_name(message, query, query.name, limit).size() <= limit);
  }
  require(!dns::parse_query(dns::answer_empty(message, query, dns::Rcode::server_failure)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dns::View message(data, size);
  const auto query = dns::parse_query(message);
  if (query) {
    check_answers(message, *query);
    if (const auto address = dns::address_of_reverse(query->name)) require(!address->to_string().empty());
  } else {
    require(dns::format_error(message).size() <= 12);
  }
  if (size > 20) {
    dns::Bytes copy(data, data + size / 2);
    dns::set_id(copy, dns::id_of(message));
    dns::is_answer_to(message, copy);
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  parse_nameservers(text);
  container_resolv_conf(text);
  if (const auto subnet = Subnet::parse(text)) require(subnet->contains(subnet->last()));
  MacAddress::parse(text);
  return 0;
}
