#include "project/exec/port_holder.hpp"

#include <optional>
#include <string_view>

#include "base/strings.hpp"
#include "engine/port_holder.hpp"
#include "project/exec/docker_ports.hpp"

namespace consort::project {

namespace {

constexpr std::string_view docker_proxy = "docker-proxy";

struct HostPort {
  std::uint16_t number;
  Protocol protocol;
};

// nullopt for a port range, because any port in it would have done.
std::optional<HostPort> port_of(const Error& error) {
  const std::string_view name = error.subject_name();
  const std::size_t slash = name.find('/');
  if (error.subject() != Subject::port || slash == std::string_view::npos) return std::nullopt;
  const auto number = parse_unsigned(name.substr(0, slash));
  const auto protocol = parse_protocol(name.substr(slash + 1));
  if (!number || *number == 0 || *number > 65535 || !protocol) return std::nullopt;
  return HostPort{static_cast<std::uint16_t>(*number), *protocol};
}

}  // namespace

bool is_port_conflict(const Error& error) {
  return error.subject() == Subject::port && error.code() == Code::conflict;
}

PortHolderWords describe_port_holder(engine::Engine& engine, const Error& port_conflict) {
  using Holder = PortHolderWords::Holder;
  const auto port = port_of(port_conflict);
  if (!port) return {};
  const std::string subject = "port " + std::to_string(port->number);
  if (const auto containers = engine.list())
    for (const engine::Container& container : *containers)
      for (const engine::BoundPort& bound : container.state.ports)
        if (bound.host_port == port->number && bound.protocol == to_string(port->protocol))
          return {Holder::container, subject + " is published by container " + container.name + " of project " +
                                         container.project + "; stop it with `consort -p " + container.project +
                                         " stop " + container.service + "`, or publish another port"};
  const auto process = find_port_holder(port->protocol, port->number);
  if (!process || process->by == PortHolder::By::connection) return {};
  if (process->name == docker_proxy)
    if (const auto name = docker_container_at(port->number, std::string(to_string(port->protocol))))
      return {Holder::container, subject + " is published by Docker's container " + *name +
                                     "; stop it with `docker stop " + *name + "`, or publish another port"};
  return {Holder::process, subject + " is taken by process " + process->name + " (pid " + std::to_string(process->pid) +
                               "); stop it, or publish another port"};
}

}  // namespace consort::project
