#include "engine/engine.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "engine/engine_impl.hpp"

namespace consort::engine {

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(Roots roots) {
  TRY(roots.prepare());
  image::Store store = TRY(image::Store::open(roots));
  Database database = store.database();
  auto impl = std::make_unique<Impl>(std::move(roots), std::move(store), std::move(database));
  TRY(impl->records.create_tables());
  impl->place = TRY(place::Place::connect(impl->roots));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

const Roots& Engine::roots() const {
  return impl_->roots;
}

Result<std::vector<Container>> Engine::list(const ListFilter& filter) {
  std::vector<Container> containers = TRY(impl_->records.list_containers(filter.project, filter.service));
  std::erase_if(containers, [&](const Container& c) { return !matches_labels(c.labels, filter.labels); });
  TRY(impl_->join_states(containers));
  if (filter.left_behind == LeftBehind::show) return containers;
  const std::set<std::string> left = TRY(impl_->left_behind(containers));
  std::erase_if(containers, [&](const Container& c) { return left.contains(c.id); });
  return containers;
}

Result<ContainerDetails> Engine::inspect(const std::string& id) {
  ContainerRecord record = TRY(impl_->load(id));
  std::vector<Container> one;
  one.push_back(std::move(record.summary));
  TRY(impl_->join_states(one));
  ContainerDetails details;
  static_cast<Container&>(details) = std::move(one.front());
  details.spec = std::move(record.spec);
  details.process = std::move(record.process);
  details.hostname = std::move(record.hostname);
  details.domainname = std::move(record.domainname);
  return details;
}

Result<LogReader> Engine::logs(const std::string& id, const LogReadOptions& options) {
  const ContainerRecord record = TRY(impl_->load(id));
  if (record.spec.log.driver == "none")
    return fail(Error(Code::unsupported, "configured logging driver does not support reading"));
  return LogReader(impl_->log_of(record.summary.id), options);
}

Result<LogReader> Engine::hold_output(const std::string& id) {
  LogReader reader(impl_->log_of(TRY(impl_->load(id)).summary.id), LogReadOptions{});
  TRY(reader.hold());
  return reader;
}

namespace {

class ProjectWatch : public Watch {
 public:
  explicit ProjectWatch(supervisor::Subscription subscription) : subscription_(std::move(subscription)) {}
  int fd() const override { return subscription_.fd(); }
  Result<std::optional<StateChange>> next() override {
    std::optional<supervisor::Event> event = TRY(subscription_.next());
    if (!event) return fail(Code::not_found, "watch project: its supervisor has ended");
    return StateChange{
        .id = event->state.id, .state = event->state, .gone = event->kind == supervisor::EventKind::forget};
  }

 private:
  supervisor::Subscription subscription_;
};

// For a project in which nothing is running.
class StillWatch : public Watch {
 public:
  int fd() const override { return -1; }
  Result<std::optional<StateChange>> next() override { return std::nullopt; }
};

}  // namespace

Result<std::unique_ptr<Watch>> Engine::watch(const std::string& project, Unserved unserved) {
  const supervisor::Client client = impl_->client(project);
  if (unserved == Unserved::revive) {
    (void)TRY(supervisor::revive_supervisor(impl_->roots, project));
  } else if (!TRY(client.running())) {
    return std::make_unique<StillWatch>();
  }
  Result<supervisor::Subscription> subscription = client.subscribe();
  // The supervisor has ended in between.
  if (!subscription && subscription.error().code() == Code::not_found) return std::make_unique<StillWatch>();
  if (!subscription) return std::unexpected(std::move(subscription).error());
  return std::make_unique<ProjectWatch>(std::move(*subscription));
}

}  // namespace consort::engine
