// Container: its networks, which may change while it runs.
//
// unit.json holds the wanted networks, the run file (`attached`) the actual ones. A command that requests a change
// writes the former; the change is complete when the latter matches. A supervisor that takes over and finds a
// difference completes the change.
#include <algorithm>
#include <utility>

#include "supervisor/container/container.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {

std::vector<Attached> attached_of(const ContainerUnit& unit) {
  std::vector<Attached> attached;
  for (const EndpointUnit& endpoint : unit.endpoints) attached.push_back({endpoint.network_id, endpoint.ifname});
  return attached;
}

namespace {

bool is_among(const EndpointUnit& endpoint, const std::vector<Attached>& attached) {
  return std::ranges::count(attached, Attached{endpoint.network_id, endpoint.ifname}) > 0;
}

void take_networks(ContainerUnit& unit, const ContainerUnit& newer) {
  unit.endpoints = newer.endpoints;
  unit.link_aliases = newer.link_aliases;
}

}  // namespace

void Container::reconnect(const ContainerUnit& newer, Answer answer) {
  unit_.restart = newer.restart;  // `update` may have changed the policy
  ContainerUnit wanted = unit_;
  take_networks(wanted, newer);
  network_changes_.push_back({std::move(wanted), std::move(answer)});
  if (network_changes_.size() == 1) change_networks();
}

// One at a time. Between two runs, only the networks for the next run change; if a container is being launched, the
// change waits.
void Container::change_networks() {
  while (!network_changes_.empty() && phase_ != Phase::launching) {
    if (phase_ == Phase::running) return begin_network_change(SandboxChange::Known::yes);
    take_networks(unit_, network_changes_.front().wanted);
    end_network_change({});
  }
}

void Container::begin_network_change(SandboxChange::Known before_is_known) {
  const ContainerUnit before = unit_, &wanted = network_changes_.front().wanted;
  const auto on_ports = [this] {
    take_ports();
    save();
  };
  // Stop answering names of addresses that are about to disappear.
  const std::vector<Attached> stay = attached_of(wanted);
  if (std::erase_if(unit_.endpoints, [&](const EndpointUnit& each) { return !is_among(each, stay); }) > 0)
    if (context_.serve_names) context_.serve_names();
  run_->network->change({before, wanted, before_is_known, on_ports}, [this, before](Result<> changed) {
    take_networks(unit_, changed ? network_changes_.front().wanted : before);
    record_.state.addresses = addresses_of(unit_);
    take_ports();
    record_.host_links = run_->network->host_links();
    record_.attached = attached_of(unit_);
    save();
    if (context_.serve_names) context_.serve_names();
    note_networks("disconnect", endpoints_without(before, unit_));
    note_networks("connect", endpoints_without(unit_, before));
    end_network_change(std::move(changed));
    change_networks();
  });
}

void Container::end_network_change(Result<> result) {
  NetworkChange ended = std::move(network_changes_.front());
  network_changes_.pop_front();
  ended.answer(std::move(result));
}

// A change that a predecessor began, or that a command recorded without sending the request. Both states are known.
void Container::adopt_networks() {
  if (!record_.attached || *record_.attached == attached_of(unit_)) return;
  network_changes_.push_back({unit_, [this](const Result<>& changed) {
                                if (!changed) log_line(label() + ": " + changed.error().message());
                              }});
  std::vector<EndpointUnit> before;
  for (const Attached& each : *record_.attached) {
    const auto known = std::ranges::find_if(unit_.endpoints, [&](const EndpointUnit& endpoint) {
      return endpoint.network_id == each.network_id && endpoint.ifname == each.ifname;
    });
    EndpointUnit endpoint;  // for an endpoint to be removed, only its name matters
    endpoint.network_id = each.network_id;
    endpoint.ifname = each.ifname;
    before.push_back(known == unit_.endpoints.end() ? std::move(endpoint) : *known);
  }
  unit_.endpoints = std::move(before);
  begin_network_change(SandboxChange::Known::no);
}

void Container::note_networks(const char* action, const std::vector<EndpointUnit>& endpoints) {
  for (const EndpointUnit& endpoint : endpoints)
    note(JournalEntry{.time = system_now(),
                      .action = action,
                      .id = unit_.id,
                      .name = unit_.name,
                      .network_id = endpoint.network_id,
                      .network_name = endpoint.network_name,
                      .attributes = {}});
}

}  // namespace consort::supervisor
