// ContainerNetwork: networks that come and go while the container runs.
#include <algorithm>
#include <utility>

#include "supervisor/container/container_network.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {
namespace {

bool same(const EndpointUnit& one, const EndpointUnit& other) {
  return one.network_id == other.network_id && one.ifname == other.ifname;
}

// Of the first those that the second has not.
std::vector<EndpointUnit> difference(const ContainerUnit& from, const ContainerUnit& without) {
  std::vector<EndpointUnit> left;
  for (const EndpointUnit& one : from.endpoints)
    if (std::ranges::none_of(without.endpoints, [&](const EndpointUnit& other) { return same(one, other); }))
      left.push_back(one);
  return left;
}

}  // namespace

struct ContainerNetwork::Change {
  ChangeRequest request;
  Done done;
  std::optional<Error> reverting;  // why it goes back to what it was
  bool reserved = false;           // ports that were not bound before
};

void ContainerNetwork::change(ChangeRequest request, Done done) {
  change_ = std::make_shared<Change>(Change{std::move(request), std::move(done), std::nullopt, false});
  const ContainerUnit& before = change_->request.before;
  const ContainerUnit& after = change_->request.after;
  // Nobody shall be led to an address that is about to go.
  if (port_target_of(before) != port_target_of(after))
    if (const PortPublisher::Id id = std::exchange(published_, 0); id != 0) {
      auto publisher = context_.publisher();
      auto unpublished = publisher ? (*publisher)->unpublish(id) : Result<>(fail(std::move(publisher.error())));
      if (!unpublished)
        return end_later(std::move(unpublished), [this](Result<> result) { end_change(std::move(result)); });
    }
  std::vector<std::string> gone;
  for (const EndpointUnit& endpoint : difference(before, after)) gone.push_back(endpoint.ifname);
  auto netns = duplicate(sandbox_.netns.get());
  const auto go_on = [this, change = std::weak_ptr(change_)] {
    if (change.expired()) return;  // the container has ended meanwhile
    work_ = std::make_unique<SteppedWork>(
        context_.loop,
        [this]() -> Result<SteppedWork::Next> {
          TRY(change_links());
          return SteppedWork::Next::finished;
        },
        [this](Result<> changed) {
          work_.reset();
          if (!changed) return revert(std::move(changed.error()));
          change_ports();
        });
  };
  if (gone.empty() || !netns) return go_on();
  // The kernel takes its time to give an interface up.
  context_.cleaner.run(id_, std::move(*netns), [gone](int kept) { (void)remove_links(kept, gone); });
  context_.cleaner.when_done(id_, go_on);
}

Result<> ContainerNetwork::change_links() {
  const auto& [before, after, known, on_ports] = change_->request;
  HostLink* host = TRY(context_.host_link());
  TRY(host->change_sandbox(sandbox_, {.before = TRY(sandbox_options_of(before)).endpoints,
                                      .after = TRY(sandbox_options_of(after)).endpoints,
                                      .before_is_known = known}));
  if (sandbox_.dns_udp || after.endpoints.empty()) return {};
  TRY(host->reopen_resolver(sandbox_));  // it began without any network
  keep_sandbox();
  return {};
}

bool ContainerNetwork::holds_ports() const {
  return std::ranges::any_of(ports_, [](const ReservedPort& port) { return !port.sockets.empty(); });
}

void ContainerNetwork::change_ports() {
  const ContainerUnit& after = change_->request.after;
  if (!port_target_of(after).any()) {
    if (auto dropped = drop_ports(); !dropped) return revert(std::move(dropped.error()));
    return serve_changed();
  }
  if (after.ports.empty() || holds_ports() || !to_recover_.empty()) return serve_changed();
  auto reservation = std::make_shared<PortReservation>(port_requests_of(after), owner_lookup());
  work_ = std::make_unique<SteppedWork>(
      context_.loop, [reservation] { return reservation->step(); },
      [this, reservation](Result<> reserved) {
        work_.reset();
        if (!reserved) return revert(std::move(reserved.error()));
        change_->reserved = true;
        ports_ = reservation->take();
        for (std::size_t i = 0; i < ports_.size(); ++i) keep_port(i);
        serve_changed();
      });
}

// Without a network to come in by.
Result<> ContainerNetwork::drop_ports() {
  if (!told_.empty()) {  // by a predecessor, which may have led them to an address of either family
    PortPublisher* publisher = TRY(context_.publisher());
    const auto v4 = consort::Address::any(Family::v4), v6 = consort::Address::any(Family::v6);
    for (const PortTarget& target : {PortTarget{v4, v6}, PortTarget{v4, {}}, PortTarget{{}, v6}})
      TRY(publisher->take_back(ports_, target));
    told_.clear();
  }
  to_recover_.clear();
  ports_.clear();
  context_.keeper.remove(id_ + "/port/*");
  return {};
}

void ContainerNetwork::serve_changed() {
  if (change_->request.on_ports) change_->request.on_ports();
  serve(change_->request.after, [this](Result<> served) {
    work_.reset();
    if (!served) return revert(std::move(served.error()));
    end_change({});
  });
}

// The same way back. What fails on it is beyond mending here: the next start of the container makes all of it anew.
void ContainerNetwork::revert(Error error) {
  if (change_->reverting) return end_change(fail(std::move(error)));
  if (change_->reserved) {
    ports_.clear();
    context_.keeper.remove(id_ + "/port/*");
  }
  ChangeRequest back = std::move(change_->request);
  std::swap(back.before, back.after);
  back.before_is_known = SandboxChange::Known::no;
  // What was to come may not be there, what was to go may be gone: made anew, as far as it is wanted.
  change(std::move(back), std::move(change_->done));
  change_->reverting = std::move(error);
}

void ContainerNetwork::end_change(Result<> result) {
  const std::shared_ptr<Change> ended = std::exchange(change_, nullptr);
  if (ended->reverting) {
    Error first = std::move(*ended->reverting);
    result = fail(result ? std::move(first) : std::move(first).also(std::move(result.error())));
  }
  ended->done(std::move(result));
}

}  // namespace consort::supervisor
