#include "build/exposed_ports.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/strings.hpp"

namespace consort::build {
namespace {

std::unexpected<Error> wrong(std::string why) {
  return fail(Error(Code::invalid).why(std::move(why)));
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

}  // namespace

Result<ExposedPorts> parse_exposed_ports(const std::string& text) {
  ExposedPorts exposed;
  std::string port = text;
  std::string protocol = "tcp";
  if (const auto slash = port.find('/'); slash != std::string::npos) {
    protocol = to_lower(port.substr(slash + 1));
    exposed.has_capitals = !port.ends_with("/" + protocol);
    port.resize(slash);
    if (protocol.empty()) protocol = "tcp";
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return wrong("invalid port: \"" + text + "\": invalid proto: " + protocol);
  }
  if (const auto colon = port.rfind(':'); colon != std::string::npos) {
    exposed.has_mapping = true;
    port.erase(0, colon + 1);
  }
  if (port.empty()) return wrong("no port specified: " + text + "<empty>");
  const auto dash = port.find('-');
  const auto first = port_number(std::string_view(port).substr(0, dash));
  const auto last = dash == std::string::npos ? first : port_number(std::string_view(port).substr(dash + 1));
  if (!first || !last || *last < *first) return wrong("invalid containerPort: " + port);
  for (unsigned number = *first; number <= *last; ++number)
    exposed.ports.push_back(std::to_string(number) + "/" + protocol);
  return exposed;
}

}  // namespace consort::build
