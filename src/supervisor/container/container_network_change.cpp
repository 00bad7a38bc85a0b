// ContainerNetwork: connecting and disconnecting networks while the container runs.
#include <algorithm>
#include <utility>

#include "supervisor/container/container_network.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {

struct ContainerNetwork::Change {
  ChangeRequest request;
  Done done;
  std::optional<Error> reverting;  // the error that causes the change to be undone
  bool reserved = false;           // ports that were not bound before are reserved
};

void ContainerNetwork::change(ChangeRequest request, Done done) {
  change_ = std::make_shared<Change>(Change{std::move(request), std::move(done), std::nullopt, false});
  const ContainerUnit& before = change_->request.before;
  const ContainerUnit& after = change_->request.after;
  // Binding ports that a takeover has lost waits until this is done.
  context_.loop.cancel(std::exchange(retry_, 0));
  work_.reset();
  // No port may be redirected to an address that is about to disappear.
  if (const PortTarget next = port_target_of(after); port_target_of(before) != next)
    if (auto left = leave_target(next, next.any() && needs_same_ports(before, after)); !left)
      return end_later(std::move(left), [this](Result<> result) {
        work_.reset();
        end_change(std::move(result));
      });
  std::vector<std::string> gone;
  for (const EndpointUnit& endpoint : endpoints_without(before, after)) gone.push_back(endpoint.ifname);
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
  // The kernel takes a while to remove an interface.
  context_.cleaner.run(id_, std::move(*netns), [gone](int kept) { (void)remove_links(kept, gone); });
  context_.cleaner.when_done(id_, go_on);
}

// Removes the firewall rules of ours or of a predecessor. The address that a predecessor's ports led to may be unknown;
// that does not matter for ports whose sockets we hold.
Result<> ContainerNetwork::leave_target(const PortTarget& next, bool keeps_ports) {
  PortPublisher* publisher = TRY(context_.publisher());
  publishing_held_ = false;
  for (const PortPublisher::Id id : std::exchange(published_, {})) TRY(publisher->unpublish(id));
  if (!told_.empty()) {
    const auto v4 = consort::Address::any(Family::v4), v6 = consort::Address::any(Family::v6);
    for (const PortTarget& target : {PortTarget{v4, v6}, PortTarget{v4, {}}, PortTarget{{}, v6}})
      TRY(publisher->take_back(ports_, target));
    TRY(disown_lost());
    told_.clear();
  }
  target_ = next;
  if (keeps_ports) return {};
  // No network accepts connections from outside any more, or the new one needs other host ports.
  lost_.clear();
  stop_listening(ports_);
  ports_.clear();
  context_.keeper.remove(id_ + "/port/*");
  return {};
}

Result<> ContainerNetwork::change_links() {
  const auto& [before, after, known, on_ports] = change_->request;
  HostLink* host = TRY(context_.host_link());
  SandboxOptions from = TRY(sandbox_options_of(before)), to = TRY(sandbox_options_of(after));
  TRY(host->change_sandbox(
      sandbox_, {.before = std::move(from.endpoints), .after = std::move(to.endpoints), .before_is_known = known}));
  if (sandbox_.dns_udp || after.endpoints.empty()) return {};
  TRY(host->reopen_resolver(sandbox_));  // it started without any network
  keep_sandbox();
  return {};
}

void ContainerNetwork::change_ports() {
  const ContainerUnit& after = change_->request.after;
  const bool wanted = port_target_of(after).any() && !after.ports.empty();
  if (!wanted || holds_ports() || !lost_.empty()) return serve_changed();
  auto reservation =
      std::make_shared<PortReservation>(port_requests_of(after), owner_lookup(), context_.host_sockets());
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

void ContainerNetwork::serve_changed() {
  const bool all = published_.empty();
  if (all) forget_held();  // they are published together with the others
  if (change_->request.on_ports) change_->request.on_ports();
  serve(change_->request.after, [this, all](Result<> served) {
    work_.reset();
    if (!served) {
      if (all) published_.clear();
      return revert(std::move(served.error()));
    }
    if (all) {
      told_.clear();
      for (const Lost& lost : lost_) told_.push_back(lost.port);
    }
    end_change({});
  });
}

// The same steps in reverse. A failure here cannot be repaired now: the container's next start rebuilds everything.
void ContainerNetwork::revert(Error error) {
  if (change_->reverting) return end_change(fail(std::move(error)));
  if (change_->reserved) {
    ports_.clear();
    context_.keeper.remove(id_ + "/port/*");
  }
  ChangeRequest back = std::move(change_->request);
  std::swap(back.before, back.after);
  back.before_is_known = SandboxChange::Known::no;
  // Interfaces to be added may be missing, and interfaces to be removed may be gone already: restore whatever is
  // wanted.
  change(std::move(back), std::move(change_->done));
  change_->reverting = std::move(error);
}

void ContainerNetwork::end_change(Result<> result) {
  const std::shared_ptr<Change> ended = std::exchange(change_, nullptr);
  if (std::optional<Error> first = std::move(ended->reverting))
    result = fail(result ? *std::move(first) : (*std::move(first)).also(std::move(result.error())));
  if (!lost_.empty() && !publishing_held_) try_lost();
  ended->done(std::move(result));
}

}  // namespace consort::supervisor
