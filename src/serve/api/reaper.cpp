#include "serve/api/reaper.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "engine/events.hpp"
#include "engine/left_behind.hpp"

namespace consort::serve {

namespace {

Result<> remove(engine::Engine& engine, const std::string& id) {
  return engine.remove_container(id, {.volumes = engine::AnonymousVolumes::remove});
}

// Not is_to_go(): a container that was created here may be started yet, and only its end counts.
void remove_ended(const Roots& roots, const std::vector<std::string>& ids) {
  const auto engine = engine::Engine::open(roots);
  if (!engine) return;
  for (const std::string& id : ids)
    if (const auto details = (*engine)->inspect(id); details && engine::is_over(details->state))
      (void)remove(**engine, id);
}

}  // namespace

Reaper::Reaper(Roots roots)
    : roots_(std::move(roots)), stop_(::eventfd(0, EFD_CLOEXEC)), again_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

// A check in progress may already have seen it ended.
Reaper::Kept::Kept(Reaper& reaper, std::string id) : reaper_(reaper), id_(std::move(id)) {
  const std::scoped_lock looks(reaper_.looking_, reaper_.mutex_);
  reaper_.kept_.insert(id_);
}

// It may have ended for good in the meantime, and that is not reported again.
Reaper::Kept::~Kept() {
  {
    const std::scoped_lock lock(reaper_.mutex_);
    reaper_.kept_.erase(reaper_.kept_.find(id_));
  }
  const std::uint64_t once = 1;
  (void)!::write(reaper_.again_.get(), &once, sizeof once);
}

// Containers that end after their hold was released are their supervisor's. Those that had already ended were held when
// the supervisor looked, and it may not look again.
Reaper::~Reaper() {
  const std::uint64_t once = 1;
  (void)!::write(stop_.get(), &once, sizeof once);
  if (thread_.joinable()) thread_.join();
  std::vector<std::string> ids;
  for (const auto& [id, hold] : watched_) ids.push_back(id);
  watched_.clear();
  if (!ids.empty()) remove_ended(roots_, ids);
}

void Reaper::watch(const std::string& id, Fd hold) {
  const std::scoped_lock lock(mutex_);
  watched_[id] = std::move(hold);
  start();
}

void Reaper::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Reaper::look(engine::Engine& engine) {
  const std::scoped_lock looking(looking_);
  std::vector<std::string> ids;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, hold] : watched_)
      if (!kept_.contains(id)) ids.push_back(id);
  }
  for (const std::string& id : ids) {
    const auto details = engine.inspect(id);
    const bool gone = !details && details.error().code() == Code::not_found;
    if (!gone && (!details || !engine::is_over(details->state) || !remove(engine, id))) continue;
    const std::scoped_lock lock(mutex_);
    watched_.erase(id);
  }
}

void Reaper::run() {
  const auto engine = engine::Engine::open(roots_);
  if (!engine) return;
  engine::EventStream events = (*engine)->events();
  if (!events.skip_to_now()) return;
  look(**engine);
  std::array<pollfd, 3> fds{pollfd{events.fd(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0},
                            pollfd{again_.get(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR) {
    if (fds[1].revents != 0) return;
    const auto happened = events.next();
    if (!happened) return;
    std::uint64_t count = 0;
    bool ended = ::read(again_.get(), &count, sizeof count) > 0;
    for (const engine::EngineEvent& event : *happened)
      ended = ended || event.action == "die" || event.action == "destroy";
    if (ended) look(**engine);
  }
}

}  // namespace consort::serve
