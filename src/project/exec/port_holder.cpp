#include "project/exec/port_holder.hpp"

#include <cctype>
#include <cerrno>

#include "base/strings.hpp"
#include "engine/port_holder.hpp"

namespace consort::project {

namespace {

std::string process_on(std::uint16_t port) {
  for (const Protocol protocol : {Protocol::tcp, Protocol::udp})
    if (const auto holder = find_port_holder(protocol, port))
      return "process " + holder->name + " (pid " + std::to_string(holder->pid) + ")";
  return {};
}

}  // namespace

bool is_port_conflict(const Error& error) {
  const std::string message = error.message();
  return error.sys_errno() == EADDRINUSE || message.contains("address already in use") ||
         message.contains("port is already allocated");
}

std::optional<std::uint16_t> port_in(std::string_view message) {
  // "0.0.0.0:8000", "[::]:8000/tcp", "0.0.0.0:8000:172.18.0.2:80/tcp": the number after the first address.
  for (std::size_t i = 0; i + 1 < message.size(); ++i) {
    if (message[i] != ':' || i == 0 ||
        (!std::isxdigit(static_cast<unsigned char>(message[i - 1])) && message[i - 1] != ']'))
      continue;
    std::size_t end = i + 1;
    while (end < message.size() && std::isdigit(static_cast<unsigned char>(message[end]))) ++end;
    const auto number = parse_unsigned(message.substr(i + 1, end - i - 1));
    const bool in_brackets = message.substr(i).find(']') < message.substr(i).find(' ');
    if (number && *number > 0 && *number <= 65535 && !in_brackets) return static_cast<std::uint16_t>(*number);
  }
  return std::nullopt;
}

std::string describe_port_holder(engine::Engine& engine, const Error& error) {
  const auto port = port_in(error.message());
  if (!port) return {};
  const std::string subject = "port " + std::to_string(*port);
  if (const auto containers = engine.list())
    for (const engine::Container& container : *containers)
      for (const engine::BoundPort& bound : container.state.ports)
        if (bound.host_port == *port)
          return subject + " is published by container " + container.name + " of project " + container.project +
                 "; stop it with `consort -p " + container.project + " stop " + container.service +
                 "`, or publish another port";
  const std::string process = process_on(*port);
  return process.empty() ? "" : subject + " is taken by " + process + "; stop it, or publish another port";
}

}  // namespace consort::project
