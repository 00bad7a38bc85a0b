#include "project/exec/timings.hpp"

#include <algorithm>

namespace consort::project {

namespace {

Timings::Phase phase_of(const Operation& operation) {
  if (operation.is<PullImage>() || operation.is<BuildImage>()) return Timings::Phase::image;
  return operation.is<AwaitCondition>() ? Timings::Phase::ready : Timings::Phase::start;
}

bool keeps_others(const Operation& operation) {
  return operation.is<AwaitCondition>() || operation.is<StartContainer>() || operation.is<RunHooks>();
}

}  // namespace

void Timings::begin(const Plan& plan) {
  const std::scoped_lock lock(mutex_);
  needs_.clear();
  by_id_.clear();
  for (const Operation& operation : plan.operations()) needs_.push_back(operation.needs);
}

// The dependency that finished last, skipping checkpoints and operations that only report something.
std::optional<std::size_t> Timings::last_need(const Operation& operation) const {
  std::optional<std::size_t> last;
  std::vector<OperationId> open = operation.needs;
  std::vector<bool> seen(needs_.size());
  while (!open.empty()) {
    const OperationId id = open.back();
    open.pop_back();
    if (id >= seen.size() || seen[id]) continue;
    seen[id] = true;
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
      open.insert(open.end(), needs_[id].begin(), needs_[id].end());
      continue;
    }
    const Done& done = done_[found->second];
    if (done.keeps_others && done.service != operation.service && (!last || done_[*last].to < done.to))
      last = found->second;
  }
  return last;
}

void Timings::note(const Operation& operation, Moment from, Moment to) {
  if (operation.service.empty()) return;
  const std::scoped_lock lock(mutex_);
  if (operation.is<StartContainer>() && !kept_by_.contains(operation.service))
    if (const auto last = last_need(operation)) kept_by_[operation.service] = *last;
  const AwaitCondition* await = operation.as<AwaitCondition>();
  by_id_[operation.id] = done_.size();
  done_.push_back({.phase = phase_of(operation),
                   .service = operation.service,
                   .keeps_others = keeps_others(operation),
                   .awaited = await ? std::optional(await->awaited) : std::nullopt,
                   .from = from,
                   .to = to});
}

std::vector<Timings::Service> Timings::services() const {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, Service> all;
  for (const Done& done : done_) {
    Service& service = all.try_emplace(done.service, Service{.name = done.service}).first->second;
    service.spans.push_back({done.phase, done.from, done.to});
    std::optional<Moment>& end = done.phase == Phase::ready ? service.ready : service.started;
    if (done.phase != Phase::image) end = std::max(end.value_or(done.to), done.to);
  }
  std::vector<Service> result;
  for (auto& [name, service] : all) {
    if (const auto kept = kept_by_.find(name); kept != kept_by_.end()) {
      const Done& last = done_[kept->second];
      service.waited_for = last.service;
      service.awaited = last.awaited;
      service.spans.push_back({Phase::waiting, begin_, last.to});
    }
    std::ranges::stable_sort(service.spans, {}, &Span::from);
    result.push_back(std::move(service));
  }
  std::ranges::stable_sort(result, {}, [](const Service& service) { return service.started.value_or(Moment::max()); });
  return result;
}

}  // namespace consort::project
