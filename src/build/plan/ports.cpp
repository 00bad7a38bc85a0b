#include "build/plan/ports.hpp"

#include "build/exposed_ports.hpp"

namespace consort::build {

Result<> expose_ports(const std::string& text, const Range& range, Checks& checks, std::vector<std::string>& out) {
  const ExposedPorts exposed = TRY(parse_exposed_ports(text));
  if (exposed.has_capitals)
    checks.add(Rule::expose_proto_casing, range,
               "Defined protocol '" + text + "' in EXPOSE instruction should be lowercase");
  if (exposed.has_mapping)
    checks.add(Rule::expose_invalid_format, range,
               "EXPOSE instruction should not define an IP address or host-port mapping, found '" + text + "'");
  out.insert(out.end(), exposed.ports.begin(), exposed.ports.end());
  return {};
}

}  // namespace consort::build
