#include "build/plan/ports.hpp"

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

Result<> expose_ports(const std::string& text, const Range& range, Checks& checks, std::vector<std::string>& out) {
  std::string port = text;
  std::string protocol = "tcp";
  if (const auto slash = port.find('/'); slash != std::string::npos) {
    protocol = port.substr(slash + 1);
    port.resize(slash);
    if (protocol != to_lower(protocol)) {
      checks.add(Rule::expose_proto_casing, range,
                 "Defined protocol '" + text + "' in EXPOSE instruction should be lowercase");
      protocol = to_lower(protocol);
    }
    if (protocol.empty()) protocol = "tcp";
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return wrong("invalid port: \"" + text + "\": invalid proto: " + protocol);
  }
  if (const auto colon = port.rfind(':'); colon != std::string::npos) {
    checks.add(Rule::expose_invalid_format, range,
               "EXPOSE instruction should not define an IP address or host-port mapping, found '" + text + "'");
    port.erase(0, colon + 1);
  }
  if (port.empty()) return wrong("no port specified: " + text + "<empty>");
  const auto dash = port.find('-');
  const auto first = port_number(std::string_view(port).substr(0, dash));
  const auto last = dash == std::string::npos ? first : port_number(std::string_view(port).substr(dash + 1));
  if (!first || !last || *last < *first) return wrong("invalid containerPort: " + port);
  for (unsigned number = *first; number <= *last; ++number) out.push_back(std::to_string(number) + "/" + protocol);
  return {};
}

}  // namespace consort::build
