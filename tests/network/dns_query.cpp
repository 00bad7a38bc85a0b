#include "dns_query.hpp"

#include <poll.h>

#include <algorithm>

#include "base/strings.hpp"
#include "host_fixture.hpp"

namespace consort::test {

using dns::Bytes;

Bytes make_query(std::uint16_t id, const std::string& name, std::uint16_t type, std::uint16_t edns) {
  Bytes bytes{static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  if (!name.empty()) {
    for (const std::string& label : split(name, '.')) {
      bytes.push_back(static_cast<std::uint8_t>(label.size()));
      bytes.insert(bytes.end(), label.begin(), label.end());
    }
  }
  for (const int byte : {0, type >> 8, type & 0xff, 0, 1}) bytes.push_back(static_cast<std::uint8_t>(byte));
  if (edns != 0) {
    bytes[11] = 1;
    for (const int byte : {0, 0, 41, edns >> 8, edns & 0xff, 0, 0, 0, 0, 0, 0})
      bytes.push_back(static_cast<std::uint8_t>(byte));
  }
  return bytes;
}

std::vector<std::string> addresses_in(const Bytes& answer) {
  std::vector<std::string> found;
  std::size_t at = 12;
  while (at < answer.size() && answer[at] != 0) at += answer[at] + 1u;
  at += 5;
  const unsigned count = answer[6] << 8u | answer[7];
  for (unsigned i = 0; i < count && at + 12 <= answer.size(); ++i) {
    const unsigned size = answer[at + 10] << 8u | answer[at + 11];
    if (size == 4) found.push_back(Address::from_bytes(Family::v4, &answer[at + 12]).to_string());
    if (size == 16) found.push_back(Address::from_bytes(Family::v6, &answer[at + 12]).to_string());
    at += 12 + size;
  }
  return found;
}

std::string resolve(const std::string& name, std::uint16_t type, Via via, const std::string& server,
                    std::uint16_t port) {
  const Bytes query = make_query(0x4242, name, type);
  std::string say(query.begin(), query.end());
  std::string got;
  if (via == Via::udp) {
    got = udp_ask(server, port, say, 30000);
  } else {
    say.insert(0, {static_cast<char>(query.size() >> 8), static_cast<char>(query.size())});
    got = tcp_exchange(server, port, say, 30000);
    if (got.size() > 2) got.erase(0, 2);
  }
  const Bytes answer(got.begin(), got.end());
  if (!dns::is_answer_to(answer, query)) return got;
  static const char* names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  std::string text = names[static_cast<int>(dns::rcode_of(answer)) % 6];
  std::vector<std::string> addresses = addresses_in(answer);
  std::sort(addresses.begin(), addresses.end());
  for (const std::string& address : addresses) text += " " + address;
  if (type == dns::type_ptr && answer[7] == 1) {
    for (std::size_t at = query.size() + 12; at < answer.size() && answer[at] != 0; at += answer[at] + 1u)
      text += " " + std::string(answer.begin() + static_cast<long>(at) + 1,
                                answer.begin() + static_cast<long>(at) + 1 + answer[at]);
  }
  return text;
}

}  // namespace consort::test
