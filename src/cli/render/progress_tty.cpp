// Draws the progress display of a command ten times a second, in a thread.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "cli/render/progress_screen.hpp"

namespace consort::cli {

namespace {

constexpr std::chrono::milliseconds between_pictures{100};

class TtyProgress final : public project::Progress {
 public:
  TtyProgress(Terminal terminal, ProgressOptions options) : screen_(terminal, std::move(options)) {}
  ~TtyProgress() override { TtyProgress::finish(); }

  void begin(std::string_view title) override {
    finish();
    const std::scoped_lock lock(mutex_);
    screen_.begin(title);
    running_ = true;
    painter_ = std::thread([this] { paint(); });
  }
  void event(const project::ProgressEvent& event) override {
    const std::scoped_lock lock(mutex_);
    screen_.event(event);
    hurry();
  }
  void step(const project::BuildStep& step) override {
    const std::scoped_lock lock(mutex_);
    screen_.step(step);
    hurry();
  }
  void finish() override {
    {
      const std::scoped_lock lock(mutex_);
      if (!running_) return;
      running_ = false;
      changed_.notify_one();
    }
    painter_.join();
    const std::scoped_lock lock(mutex_);
    screen_.finish();
  }
  void output(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    screen_.output(text);
    hurry();
  }
  void log(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    screen_.log(text);
    hurry();
  }
  void warn(const std::string& message) override {
    const std::scoped_lock lock(mutex_);
    screen_.warn(message);
    hurry();
  }

 private:
  void paint() {
    std::unique_lock lock(mutex_);
    while (running_) {
      // The first picture is drawn at once. Later ones are drawn at a fixed rate, which times and spinners need anyway.
      changed_.wait_for(lock, between_pictures, [this] { return !running_ || (news_ && screen_.blank()); });
      news_ = false;
      if (running_) screen_.draw();
    }
  }
  void hurry() {
    news_ = true;
    if (screen_.blank()) changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread painter_;
  ProgressScreen screen_;
  bool running_ = false, news_ = false;
};

}  // namespace

std::unique_ptr<project::Progress> make_tty_progress(const Terminal& terminal, const ProgressOptions& options) {
  return std::make_unique<TtyProgress>(terminal, options);
}

}  // namespace consort::cli
