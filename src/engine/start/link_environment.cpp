#include "engine/start/link_environment.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::engine {

namespace {

struct Port {
  std::uint64_t number = 0;
  std::string protocol;
};

// The lowest first, which is the one that DB_PORT refers to; TCP before UDP.
std::vector<Port> ports_of(const Strings& exposed) {
  std::vector<Port> ports;
  for (const std::string& text : exposed) {
    const std::size_t slash = text.find('/');
    const auto number = parse_unsigned(text.substr(0, slash));
    if (number) ports.push_back({*number, slash == std::string::npos ? "tcp" : text.substr(slash + 1)});
  }
  std::ranges::sort(ports, {}, [](const Port& port) { return std::pair(port.number, port.protocol); });
  return ports;
}

}  // namespace

Strings link_environment(const std::string& of, const LinkedContainer& linked) {
  std::string prefix = to_upper(linked.alias);
  std::ranges::replace(prefix, '-', '_');
  Strings variables;
  const std::vector<Port> ports = ports_of(linked.exposed);
  const auto url = [&](const Port& port) {
    return port.protocol + "://" + linked.address + ":" + std::to_string(port.number);
  };
  if (!ports.empty()) variables.push_back(prefix + "_PORT=" + url(ports.front()));
  for (const Port& port : ports) {
    const std::string name = prefix + "_PORT_" + std::to_string(port.number) + "_" + to_upper(port.protocol);
    variables.push_back(name + "=" + url(port));
    variables.push_back(name + "_ADDR=" + linked.address);
    variables.push_back(name + "_PORT=" + std::to_string(port.number));
    variables.push_back(name + "_PROTO=" + port.protocol);
  }
  variables.push_back(prefix + "_NAME=/" + of + "/" + linked.alias);
  for (const std::string& variable : linked.environment)
    if (variable.contains('=') && !variable.starts_with("HOME=") && !variable.starts_with("PATH="))
      variables.push_back(prefix + "_ENV_" + variable);
  return variables;
}

}  // namespace consort::engine
