#include "supervisor/made_ahead.hpp"

#include <array>
#include <utility>

#include "runtime/overlay.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {
namespace {

constexpr std::array<const char*, 4> part_names{"netns", "dns_udp", "dns_tcp", "root"};

template <typename Made>
auto parts_of(Made& made) {
  return std::array{&made.sandbox.netns, &made.sandbox.dns_udp, &made.sandbox.dns_tcp, &made.root};
}

}  // namespace

Fd make_root_ahead(const ContainerUnit& unit) {
  const auto overlay = overlay_root_of(unit);
  if (!overlay || !unit.runtime.empty()) return {};
  auto mounted = runtime::mount_detached(*overlay, unit.bundle);
  return mounted ? std::move(*mounted) : Fd();
}

Sandbox make_sandbox_ahead(const ContainerUnit& unit) {
  if (unit.network_mode == NetworkMode::host || unit.network_mode == NetworkMode::container) return {};
  if (!unit.users_of.empty()) return {};  // the users of a container that the supervisor knows
  const auto options = sandbox_options_of(unit);
  if (!options) return {};
  auto host = HostLink::open();
  auto made = host ? host->create_sandbox(*options) : Result<Sandbox>(fail(std::move(host.error())));
  return made ? std::move(*made) : Sandbox{};
}

MadeAheadNames names_of(const MadeAhead& made) {
  MadeAheadNames names;
  const auto parts = parts_of(made);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (*parts[i]) names.descriptors.emplace_back(part_names[i]);
  names.host_links = made.sandbox.host_links;
  return names;
}

std::vector<int> descriptors_of(const MadeAhead& made) {
  std::vector<int> descriptors;
  for (const Fd* part : parts_of(made))
    if (*part) descriptors.push_back(part->get());
  return descriptors;
}

Result<MadeAhead> made_ahead_of(const MadeAheadNames& names, std::vector<Fd> descriptors) {
  MadeAhead made;
  const auto parts = parts_of(made);
  std::size_t next = 0;
  for (std::size_t i = 0; i < parts.size() && next < descriptors.size(); ++i)
    if (next < names.descriptors.size() && names.descriptors[next] == part_names[i])
      *parts[i] = std::move(descriptors[next++]);
  const bool whole = next == names.descriptors.size() && next == descriptors.size();
  const Sandbox& sandbox = made.sandbox;
  const bool resolver = sandbox.dns_udp && sandbox.dns_tcp, half = sandbox.dns_udp || sandbox.dns_tcp;
  const bool alone = !sandbox.netns && (half || !names.host_links.empty());
  if (!whole || resolver != half || alone)
    return fail(Error(Code::invalid, "read request").why("its descriptors are not what it says"));
  made.sandbox.host_links = names.host_links;
  return made;
}

}  // namespace consort::supervisor
