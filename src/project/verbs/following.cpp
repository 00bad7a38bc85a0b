#include "project/verbs/following.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "project/exec/listening.hpp"

namespace consort::project {

Result<std::unique_ptr<Following>> Following::begin(engine::Engine& engine, const std::string& project,
                                                    const AttachOptions& attach) {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("eventfd");
  std::unique_ptr<Following> following(new Following(attach, std::move(event)));
  FollowOptions options;
  options.adopt = [&attach](const engine::Container& each) {
    return !each.oneoff && !is_hook(each) && attach.services.contains(each.service);
  };
  const auto asked_for = [&attach](const std::string& service) { return attach.named.contains(service); };
  // A service that was only attached to does not keep the command running, unless there is no other.
  if (std::ranges::any_of(attach.services, asked_for))
    options.awaited = [asked_for](const engine::Container& each) { return asked_for(each.service); };
  options.on_exit = [raw = following.get()](const std::string&, const std::string&,
                                            const engine::ContainerState& state) { return raw->on_exit(state); };
  following->follower_ = TRY(LogFollower::create(engine, project, *attach.sink, options));
  following->thread_ = std::thread([raw = following.get()] {
    raw->outcome_ = raw->follower_->run();
    raw->notify(raw->ended_);
  });
  return following;
}

Following::~Following() {
  if (follower_) follower_->stop();
  if (thread_.joinable()) thread_.join();
}

Following::Event Following::wait(int interrupt_fd, int keys_fd) {
  std::array<pollfd, 3> fds{pollfd{event_.get(), POLLIN, 0}, pollfd{interrupt_fd, POLLIN, 0},
                            pollfd{keys_fd, POLLIN, 0}};
  while (true) {
    {
      const std::scoped_lock lock(mutex_);
      if (abort_seen_ && attach_.abort != AbortOn::nothing) return Event::abort;
      if (ended_) return Event::all_ended;
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents & POLLIN) {
      take_interrupt(interrupt_fd);
      return Event::interrupt;
    }
    if (fds[2].revents) return Event::typed;
    std::uint64_t count = 0;
    (void)read_some(event_.get(), std::as_writable_bytes(std::span(&count, 1)));
  }
}

void Following::expect(ReactOptions::Busy busy) {
  changing_ = busy == ReactOptions::Busy::yes;
  changing_ ? follower_->hold() : follower_->release();
}

Result<> Following::finish() {
  follower_->finish();
  thread_.join();
  return std::move(outcome_);
}

int Following::abort_code() {
  const std::scoped_lock lock(mutex_);
  return abort_code_;
}

void Following::notify(bool& flag) {
  {
    const std::scoped_lock lock(mutex_);
    flag = true;
  }
  const std::uint64_t one = 1;
  (void)write_full(event_.get(), std::as_bytes(std::span(&one, 1)));
}

bool Following::on_exit(const engine::ContainerState& state) {
  const int code = state.exit_code.value_or(1);
  if (changing_) return false;
  if (attach_.abort == AbortOn::failure && code == 0) return false;
  {
    const std::scoped_lock lock(mutex_);
    if (abort_seen_) return false;
    abort_code_ = code;
  }
  notify(abort_seen_);
  return false;
}

}  // namespace consort::project
