#include "engine_in_memory.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "base/os/files/file.hpp"
#include "engine/standing.hpp"
#include "project/plan/names.hpp"

namespace consort::engine {

namespace {

// The changes that a watch has not read yet.
class Changes {
 public:
  int fd() const { return event_.get(); }
  void push(StateChange change) {
    const std::scoped_lock lock(mutex_);
    changes_.push_back(std::move(change));
    const std::uint64_t one = 1;
    (void)write_full(event_.get(), std::as_bytes(std::span(&one, 1)));
  }
  std::optional<StateChange> pop() {
    const std::scoped_lock lock(mutex_);
    if (changes_.empty()) return std::nullopt;
    StateChange first = std::move(changes_.front());
    changes_.pop_front();
    std::uint64_t count = 0;
    if (changes_.empty()) (void)read_some(event_.get(), std::as_writable_bytes(std::span(&count, 1)));
    return first;
  }

 private:
  Fd event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex_;
  std::deque<StateChange> changes_;
};

class MemoryWatch final : public Watch {
 public:
  explicit MemoryWatch(std::shared_ptr<Changes> changes) : changes_(std::move(changes)) {}
  int fd() const override { return changes_->fd(); }
  Result<std::optional<StateChange>> next() override { return changes_->pop(); }

 private:
  std::shared_ptr<Changes> changes_;
};

}  // namespace

class Engine::Impl {
 public:
  explicit Impl(std::string place) : directory(std::move(place)) {}

  Result<> change(const std::string& id, const std::function<void(ContainerState&)>& how) {
    const std::scoped_lock lock(mutex);
    const auto found = containers.find(id);
    if (found == containers.end()) return fail(Code::not_found, "no such container: " + id);
    how(found->second.state);
    for (const auto& each : watches)
      if (const auto watch = each.lock()) watch->push({.id = id, .state = found->second.state});
    return {};
  }
  Result<> end(const std::string& id, int code) {
    return change(id, [&](ContainerState& state) {
      state.status = Status::exited;
      state.exit_code = code;
    });
  }

  const std::string directory;
  std::mutex mutex;
  std::map<std::string, ContainerDetails> containers;
  std::vector<std::weak_ptr<Changes>> watches;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(Roots roots) {
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(roots.data)));
}

Result<CreatedContainer> Engine::create_container(const ContainerSpec& spec) {
  const std::scoped_lock lock(impl_->mutex);
  ContainerDetails& made = impl_->containers[spec.name];
  made.id = made.name = spec.name;
  made.project = spec.project;
  made.service = spec.service;
  made.created_at = system_now();
  return CreatedContainer{.id = spec.name, .warnings = {}, .hold = {}};
}

Result<> Engine::start_container(const std::string& id, const StartOptions&) {
  return impl_->change(id, [](ContainerState& state) {
    state.status = Status::running;
    state.exit_code.reset();
  });
}
Result<> Engine::stop_container(const std::string& id, const StopOptions&) {
  return impl_->end(id, 143);
}
Result<> Engine::kill_container(const std::string& id, const std::string&) {
  return impl_->end(id, 137);
}

Result<std::vector<Container>> Engine::list(const ListFilter&) {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<Container> all;
  for (const auto& [id, container] : impl_->containers) all.push_back(container);
  return all;
}

Result<ContainerDetails> Engine::inspect(const std::string& id) {
  const std::scoped_lock lock(impl_->mutex);
  const auto found = impl_->containers.find(id);
  if (found == impl_->containers.end()) return fail(Code::not_found, "no such container: " + id);
  return found->second;
}

Result<std::unique_ptr<Watch>> Engine::watch(const std::string&, Unserved) {
  const std::scoped_lock lock(impl_->mutex);
  auto changes = std::make_shared<Changes>();
  impl_->watches.push_back(changes);
  return std::make_unique<MemoryWatch>(std::move(changes));
}

Result<std::optional<Fd>> Engine::watch_lock(const std::string&) {
  return std::optional<Fd>();
}
Result<LogReader> Engine::logs(const std::string& id, const LogReadOptions& options) {
  return LogReader(impl_->directory + "/" + id, options);
}
Result<LogReader> Engine::hold_output(const std::string& id) {
  return logs(id, {});
}
Result<Attachment> Engine::attach(const std::string& id) {
  return fail(Code::conflict, "container " + id + " is not running");
}
Result<> Engine::resize_terminal(const std::string&, TerminalSize) {
  return {};
}
std::optional<Error> stopped_supervisor(const Engine&, const std::string&) {
  return std::nullopt;
}

namespace test {

std::unique_ptr<Engine> engine_in(const std::string& directory) {
  return Engine::open({.data = directory, .run = directory}).value();
}

Writer::Writer(const std::string& directory, const std::string& id)
    : log_(supervisor::LogWriter::open({.path = directory + "/" + id}).value()), pipe_(make_pipe(O_NONBLOCK).value()) {}

void Writer::write(const std::string& text) {
  if (!write_full(pipe_.write.get(), text)) std::abort();
  while (log_.pump(pipe_.read.get(), LogStream::out).value() == supervisor::LogWriter::Pumped::moved) {
  }
}

}  // namespace test
}  // namespace consort::engine

// The two functions that following uses; the rest of their file needs the whole language.
namespace consort::project {

std::string short_name(const engine::Container& container) {
  return container.name;
}
bool is_hook(const engine::Container&) {
  return false;
}

}  // namespace consort::project
