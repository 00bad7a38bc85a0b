// What the parts of one supervisor share. Created once in Supervisor; outlives everything that borrows it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/os/loop/event_loop.hpp"
#include "base/roots.hpp"
#include "network/dns.hpp"
#include "network/ports.hpp"
#include "network/sandbox.hpp"
#include "place/place.hpp"
#include "supervisor/container/cleaner.hpp"
#include "supervisor/loop/keeper_link.hpp"
#include "supervisor/protocol.hpp"

namespace consort::supervisor {

class Container;
struct ContainerUnit;

struct Context {
  Context(EventLoop& event_loop, KeeperLink& keeper_link)
      : loop(event_loop), keeper(keeper_link), cleaner(event_loop) {}

  Roots roots;
  std::string project;
  std::string run_directory;  // run/projects/PROJECT
  EventLoop& loop;
  KeeperLink& keeper;
  Cleaner cleaner;
  std::unique_ptr<DnsServer> dns;
  place::Place place;           // for a rootless user: the host's network is outside ours
  bool shutting_down = false;   // no more restarts
  bool journal_failed = false;  // reported only once
  std::string init_program;     // consort-init, for `init: true`

  // Opened when first needed, so that a project without networks pays nothing.
  Result<HostLink*> host_link();
  Result<PortPublisher*> publisher();
  HostSockets host_sockets() const;  // empty if our network is the host's

  std::function<void(const Event&)> emit;                // to subscribers
  std::function<void()> settled;                         // a container has become idle
  std::function<void(const ContainerUnit& unit)> ended;  // it is not running and will not start by itself
  std::function<void()> names_changed;                   // a container's names were added or removed
  std::function<void()> serve_names;                     // now, not only at the end of this turn
  std::function<Container*(const std::string& container_id)> find;
  std::function<Result<>()> open_api;  // opens the project's own API: a container will have its socket mounted
  // The holder of a port: "project shop, container shop-web-1".
  std::function<std::optional<std::string>(const std::string& protocol, std::uint16_t port)> port_owner;

 private:
  std::optional<HostLink> host_link_;
  std::unique_ptr<PortPublisher> publisher_;
};

// Writes one line to the supervisor's log.
void log_line(const std::string& text);

}  // namespace consort::supervisor
