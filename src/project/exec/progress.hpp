// Progress of a plan: a stream of events about named objects, rendered by cli/render. Events may come from several
// threads; renderers must handle that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/builds.hpp"

namespace consort::project {

enum class Outlook : std::uint8_t { working, done, warning, error };

struct ProgressEvent {
  std::string id;      // "Container lms-db-1", "db", "3f2a..." (a layer)
  std::string parent;  // ID of the object it is part of
  std::string text;    // "Pulling"; empty for objects
  std::string status;  // "Started"; free text
  Outlook outlook = Outlook::working;
  std::uint64_t current = 0, total = 0;  // bytes; 0: unknown
};

// An event of a build step. Steps of one build, and several builds, may run concurrently.
struct BuildStep {
  int id = 0;         // unique within a command
  std::string title;  // "[web 2/5] RUN make"
  std::string stage;  // its steps are counted together; unique within a command
  int number = 0;     // in its stage, from 1; 0: not from the Dockerfile
  int total = 0;      // number of steps in that stage
  build::StepState state = build::StepState::started;
  std::string output{};              // state output: raw bytes
  std::vector<std::string> lines{};  // that it or the step's end completed, those from the Dockerfile with times
  double seconds = 0;                // duration of the step, once it has ended
  std::string message{};             // state error: one line

  bool ended() const { return state != build::StepState::started && state != build::StepState::output; }
};

class Progress {
 public:
  virtual ~Progress() = default;
  // A heading for the events until finish(): "Running", "Pulling". Only shown to people.
  virtual void begin(std::string_view title) = 0;
  virtual void event(const ProgressEvent& event) = 0;
  virtual void step(const BuildStep& step) = 0;
  virtual void finish() = 0;
  // Text about preceding steps, such as why a build failed, in whole lines with newlines. It goes to standard output
  // and may be untrusted, so terminals get it without control characters.
  virtual void output(std::string_view text) = 0;
  // Output of containers between events, unchanged.
  virtual void log(std::string_view text) = 0;
  virtual void warn(const std::string& message) = 0;  // repeated messages are shown once
};

}  // namespace consort::project
