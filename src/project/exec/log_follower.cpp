#include "project/exec/log_follower.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "project/exec/watching.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

std::string exit_text(const std::string& name, const engine::ContainerState& state) {
  const std::string code = state.exit_code ? std::to_string(*state.exit_code) : "unknown";
  return name + " exited with code " + code + (state.ended() ? "" : " (restarting)");
}

std::unique_ptr<engine::LogReader> open_reader(engine::Engine& engine, const std::string& id,
                                               const engine::LogReadOptions& options) {
  auto reader = engine.logs(id, options);
  return reader ? std::make_unique<engine::LogReader>(std::move(*reader)) : nullptr;
}

}  // namespace

Result<std::unique_ptr<LogFollower>> LogFollower::create(engine::Engine& engine, std::string project, LogSink& sink,
                                                         FollowOptions options) {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("eventfd");
  return std::unique_ptr<LogFollower>(
      new LogFollower(engine, std::move(project), sink, std::move(options), std::move(event)));
}

void LogFollower::wake() const {
  const std::uint64_t one = 1;
  (void)write_full(wake_.get(), std::as_bytes(std::span(&one, 1)));
}

void LogFollower::add(const engine::Container& container, std::optional<SystemTime> since) {
  engine::LogReadOptions read = options_.read;
  if (since) read = {.since = since};
  Source source{.id = container.id, .name = short_name(container)};
  source.reader = open_reader(engine_, container.id, read);
  source.awaited = !options_.awaited || options_.awaited(container);
  source.restarts = container.state.restart_count;
  {
    const std::scoped_lock lock(mutex_);
    pending_.push_back(std::move(source));
  }
  wake();
}

void LogFollower::complete() {
  {
    const std::scoped_lock lock(mutex_);
    complete_ = true;
  }
  wake();
}

void LogFollower::finish() {
  {
    const std::scoped_lock lock(mutex_);
    finish_ = true;
  }
  wake();
}

void LogFollower::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake();
}

void LogFollower::hold() {
  const std::scoped_lock lock(mutex_);
  ++held_;
}

void LogFollower::release() {
  {
    const std::scoped_lock lock(mutex_);
    --held_;
  }
  wake();
}

Result<> LogFollower::subscribe() {
  if (watch_ && watch_->fd() >= 0) return {};
  watch_ = TRY(engine_.watch(project_));
  return {};
}

Result<> LogFollower::take_pending() {
  std::uint64_t count = 0;
  (void)read_some(wake_.get(), std::as_writable_bytes(std::span(&count, 1)));
  std::vector<Source> fresh;
  {
    const std::scoped_lock lock(mutex_);
    fresh.swap(pending_);
  }
  if (fresh.empty()) return {};
  TRY(subscribe());
  for (Source& source : fresh) {
    sink_.join(source.name);
    if (source.reader) source.fd = source.reader->watch_fd().value_or(-1);
    const std::string id = source.id;
    Source& kept = sources_.insert_or_assign(id, std::move(source)).first->second;
    TRY(read_part(kept));
  }
  return look_at_all();
}

// Looks at containers that ended before the event stream began or together with their supervisor, and at those created
// in the meantime.
Result<> LogFollower::look_at_all() {
  TRY(subscribe());
  const auto containers = TRY(engine_.list({.project = project_}));
  for (auto& [id, source] : sources_) {
    const auto found = std::ranges::find(containers, id, &engine::Container::id);
    if (found == containers.end()) {
      source.ended = true;
    } else if (found->state.ended() || source.joined) {
      TRY(state_changed(source, found->state));
    }
    source.joined = true;
  }
  for (const engine::Container& container : containers) adopt(container);
  return {};
}

Result<> LogFollower::read(Source& source) {
  if (!source.reader) return {};
  source.reader->acknowledge();
  const LogBatch batch(sink_);
  engine::LogReader::LineHandler handler = [&](const engine::LogLine& line) { sink_.line(source.name, line); };
  return source.reader->read(handler);
}

// One turn of each: a container that writes as fast as we show it must not hide the others, or what the user types.
Result<> LogFollower::read_part(Source& source) {
  if (!source.reader) return {};
  source.reader->acknowledge();
  const LogBatch batch(sink_);
  engine::LogReader::LineHandler handler = [&](const engine::LogLine& line) { sink_.line(source.name, line); };
  source.more = TRY(source.reader->read_part(handler));
  return {};
}

Result<> LogFollower::ended(Source& source, const engine::ContainerState& state) {
  TRY(read(source));
  if (source.reader) {
    engine::LogReader::LineHandler handler = [&](const engine::LogLine& line) { sink_.line(source.name, line); };
    source.reader->flush(handler);
  }
  sink_.status(exit_text(source.name, state));
  if (options_.on_exit && options_.on_exit(source.id, source.name, state)) stop();
  return {};
}

Result<> LogFollower::state_changed(Source& source, const engine::ContainerState& state) {
  if (state.ended()) {
    if (source.ended) return {};
    source.ended = true;
    return ended(source, state);
  }
  // If it had ended, the user or another command has started it again.
  if (std::exchange(source.ended, false)) source.restarts = state.restart_count;
  if (state.restart_count <= source.restarts && state.status != engine::Status::restarting) return {};
  const bool told = state.restart_count < source.restarts + (state.status == engine::Status::restarting ? 0 : 1);
  if (told) return {};
  source.restarts = state.restart_count + (state.status == engine::Status::restarting ? 1 : 0);
  TRY(read(source));
  engine::ContainerState restarting = state;
  restarting.status = engine::Status::restarting;
  sink_.status(exit_text(source.name, restarting));
  return {};
}

// Earlier output is not added; a caller that wants it adds it itself, from the time that it chooses.
void LogFollower::adopt(const engine::Container& container) {
  if (!options_.adopt || container.created_at < begun_ || sources_.contains(container.id)) return;
  if (!options_.adopt(container)) return;
  {
    const std::scoped_lock lock(mutex_);
    if (std::ranges::find(pending_, container.id, &Source::id) != pending_.end()) return;
  }
  add(container, container.created_at);
}

Result<> LogFollower::take_changes() {
  while (true) {
    auto change = next_change(*watch_);
    if (!change && change.error().code() == Code::not_found) {
      watch_.reset();  // ended or replaced: subscribe again, and look for missed changes
      TRY(subscribe());
      return look_at_all();
    }
    if (!change) return fail(std::move(change).error());
    if (!*change) return {};
    const auto found = sources_.find((*change)->id);
    if (found == sources_.end()) {
      if (const auto container = engine_.inspect((*change)->id)) adopt(*container);
    } else if ((*change)->gone) {
      found->second.ended = true;
    } else {
      TRY(state_changed(found->second, (*change)->state));
    }
  }
}

bool LogFollower::all_ended() const {
  return std::ranges::all_of(sources_, [](const auto& entry) { return entry.second.ended || !entry.second.awaited; });
}

// A container that has ended may be in the middle of another command's `restart`, or about to be replaced by that
// command.
Result<bool> LogFollower::is_over() {
  bool finish = false;
  {
    const std::scoped_lock lock(mutex_);
    if (stop_) return true;
    finish = finish_;
    if (!finish && (!complete_ || held_ > 0 || !pending_.empty() || !all_ended())) return false;
  }
  if (!finish) {
    if (!others_) others_ = TRY(engine_.watch_lock(project_));
    if (others_) return false;
  }
  TRY(look_at_all());
  for (auto& [id, source] : sources_)
    if (std::exchange(source.more, false)) TRY(read(source));
  const std::scoped_lock lock(mutex_);
  return finish || (held_ == 0 && pending_.empty() && all_ended());
}

Result<> LogFollower::wait() {
  std::vector<pollfd> fds{
      {wake_.get(), POLLIN, 0}, {others_ ? others_->get() : -1, POLLIN, 0}, {watch_->fd(), POLLIN, 0}};
  std::vector<Source*> readable;
  for (auto& [id, source] : sources_) {
    if (source.fd < 0) continue;
    fds.push_back({source.fd, POLLIN, 0});
    readable.push_back(&source);
  }
  const bool more = std::ranges::any_of(readable, &Source::more);
  if (::poll(fds.data(), fds.size(), more ? 0 : -1) < 0) return errno == EINTR ? Result<>() : fail_errno("poll");
  if (fds[1].revents) others_.reset();
  for (std::size_t i = 0; i < readable.size(); ++i)
    if (fds[i + 3].revents || readable[i]->more) TRY(read_part(*readable[i]));
  if (fds[2].revents) TRY(take_changes());
  if (fds[0].revents) TRY(take_pending());
  return {};
}

Result<> LogFollower::run() {
  TRY(subscribe());
  TRY(take_pending());
  while (!TRY(is_over())) TRY(wait());
  return {};
}

Result<> print_logs(engine::Engine& engine, const std::vector<engine::Container>& containers,
                    const engine::LogReadOptions& options, LogSink& sink) {
  for (const engine::Container& container : containers) sink.join(short_name(container));
  for (const engine::Container& container : containers) {
    const auto reader = open_reader(engine, container.id, options);
    if (!reader) continue;
    const std::string name = short_name(container);
    const LogBatch batch(sink);
    engine::LogReader::LineHandler handler = [&](const engine::LogLine& line) { sink.line(name, line); };
    TRY(reader->read(handler));
    reader->flush(handler);
  }
  return {};
}

}  // namespace consort::project
