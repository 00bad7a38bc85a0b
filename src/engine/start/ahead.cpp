#include "engine/start/ahead.hpp"

#include <poll.h>

#include <chrono>
#include <utility>

namespace consort::engine {

namespace {
// A supervisor that is stopped, or whose starter is, becomes ready only when it is let go on.
constexpr std::chrono::milliseconds longest_wait_at_the_end{100};
}  // namespace

void Ahead::begin(supervisor::Client client) {
  const std::scoped_lock lock(mutex_);
  if (client_) return;
  client_ = std::move(client);
  auto wish = make_pipe(), news = make_pipe();
  if (!wish || !news) return;  // who starts a container meets the same error
  give_up_ = std::move(wish->write);
  done_ = std::move(news->read);
  thread_ = std::jthread([this, wish = std::move(wish->read), done = std::move(news->write)] {
    begun_ = client_->ensure(wish.get()).has_value();
  });
}

Ahead::~Ahead() {
  if (!thread_.joinable()) return;
  pollfd end{done_.get(), 0, 0};  // the thread's own end goes with it
  (void)::poll(&end, 1, static_cast<int>(longest_wait_at_the_end.count()));
  give_up_.reset();
  thread_.join();
  // What has begun and was not waited for ends by itself.
  if (!used_ && begun_) (void)client_->end();
}

}  // namespace consort::engine
