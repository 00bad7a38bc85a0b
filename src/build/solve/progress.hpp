// Reports steps to the caller: numbered, timed, one event at a time. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "build/build.hpp"

namespace consort::build {

class ProgressLog {
 public:
  explicit ProgressLog(std::function<void(const ProgressEvent&)> sink) : sink_(std::move(sink)) {}

  // later: the step is not reported before announce(), unless it fails.
  enum class Announce : std::uint8_t { now, later };

  class Step {
   public:
    Step(ProgressLog& log, ProgressEvent event) : log_(&log), event_(std::move(event)) {}
    void announce();
    void output(std::string_view text, bool from_stderr);
    void end(StepState state, std::string message = {});
    const std::string& title() const { return event_.text; }
    const std::string& tail() const { return tail_; }  // the last output, for failures

   private:
    ProgressLog* log_;
    ProgressEvent event_;
    bool announced_ = false;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::string tail_;
  };

  Step start(std::string text, std::string stage = "internal", int number = 0, int total = 0);
  Step start(ProgressEvent event, Announce announce);

 private:
  void send(const ProgressEvent& event);
  std::function<void(const ProgressEvent&)> sink_;
  std::mutex mutex_;
  int next_ = 1;
};

}  // namespace consort::build
