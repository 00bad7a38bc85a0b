#include <algorithm>

#include "base/os/files/file.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"

namespace consort::engine {

supervisor::MadeAhead Engine::Impl::make_ahead(const supervisor::ContainerUnit& unit) {
  supervisor::MadeAhead made;
  made.root = supervisor::make_root_ahead(unit);
  // The kernel has one lock for all of its networks, and threads that wait for it spin.
  const std::scoped_lock lock(sandbox_mutex_);
  auto sandbox = place.run([&] { return Result<Sandbox>(supervisor::make_sandbox_ahead(unit)); });
  if (sandbox) made.sandbox = std::move(*sandbox);
  return made;
}

Result<> Engine::Impl::lease_addresses(ContainerRecord& record, const std::vector<Network>& networks) {
  const auto holder_runs = [&](const EndpointRecord& holder) {
    const Result<ContainerState> seen = observe(holder.project, holder.container_id);
    // If two containers that want the same address start at once, the first has its lease but is not running yet.
    return !seen || seen->running() || is_locked(holder.container_id);
  };
  const auto leases = TRY(records.lease_with(record.summary.id, [&](std::vector<EndpointRecord> neighbours) {
    return choose_leases(
        {.own = record.endpoints, .neighbours = neighbours, .networks = networks, .holder_runs = holder_runs});
  }));
  for (EndpointRecord& endpoint : record.endpoints) {
    const auto lease = std::ranges::find(leases, endpoint.network_id, &Records::Lease::network_id);
    if (lease == leases.end()) continue;
    endpoint.ipv4 = lease->ipv4;
    endpoint.ipv6 = lease->ipv6;
  }
  return {};
}

void Engine::expect_start(const std::string& project) {
  impl_->ahead.begin(impl_->client(project));
}

Result<> Engine::start_container(const std::string& id, const StartOptions& options) {
  const std::string whole_id = TRY(impl_->records.find_container(id));
  const Fd lock = TRY(impl_->lock_container(whole_id, options.cancel_fd));
  ContainerRecord record = TRY(impl_->records.load_container(whole_id));  // with networks of a moment ago
  const Container& container = record.summary;
  const ContainerState state = TRY(impl_->observe(container.project, container.id));
  if (state.status == Status::paused)
    return fail(Error(Code::conflict, "cannot start a paused container, try unpause instead"));
  if (state.status == Status::running && !state.stopping) return {};

  std::vector<Network> networks;
  for (const EndpointRecord& endpoint : record.endpoints) {
    networks.push_back(TRY(impl_->records.find_network(endpoint.network_id)));
    TRY(impl_->ensure_bridge(networks.back()));
  }
  TRY(impl_->lease_addresses(record, networks));
  impl_->ahead.used();
  const auto begin = [&]() -> Result<> {
    const ContainerUsers users = TRY(impl_->write_bundle(record, networks));
    const std::string path = impl_->container_directory(container.id) + "/unit.json";
    const supervisor::ContainerUnit unit = TRY(impl_->make_unit(record, networks, users));
    TRY(write_file_atomic(path, supervisor::unit_to_json(unit), 0600));
    const supervisor::MadeAhead made =
        state.status == Status::created ? impl_->make_ahead(unit) : supervisor::MadeAhead{};
    TRY(impl_->client(container.project).start(path, options.exit_code, options.cancel_fd, made));
    return {};
  };
  if (Result<> started = begin(); !started) {
    Error error = std::move(started).error();
    if (error.code() == Code::interrupted) return fail(std::move(error));  // its supervisor goes on
    if (Result<> released = impl_->records.release_leases(container.id, Wanted::stopped); !released)
      return fail(std::move(error).also(std::move(released).error()));
    (void)impl_->unmount_unused(record);
    return fail(std::move(error));
  }
  return {};
}

}  // namespace consort::engine
