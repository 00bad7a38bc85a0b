#include "project/verbs/watch_thread.hpp"

#include <fcntl.h>

namespace consort::project {

Result<WatchThread> WatchThread::prepare(const Session& session, Rebuilds rebuilds, ReactOptions options) {
  Pipe stop = TRY(make_pipe(O_NONBLOCK));
  std::unique_ptr<State> state(new State{.session = session, .options = std::move(options), .stop = std::move(stop)});
  state->session.interrupt_fd = state->stop.read.get();
  state->watching = TRY(Watching::create(state->session, rebuilds, state->options));
  return WatchThread(std::move(state));
}

void WatchThread::begin() {
  thread_ = std::thread([raw = state_.get()] {
    const Result<> outcome = raw->watching->run(raw->stop.read.get());
    if (outcome || outcome.error().code() == Code::interrupted) return;
    raw->options.say("Watch disabled with errors: " + outcome.error().message());
  });
}

WatchThread::~WatchThread() {
  if (!thread_.joinable()) return;
  // One byte for each reader: the plan that is being executed, and the wait for changes that follows it.
  (void)write_full(state_->stop.write.get(), std::string_view("stop"));
  thread_.join();
}

}  // namespace consort::project
