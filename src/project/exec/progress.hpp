// What is told while a plan is carried out: a stream of events about named things, rendered by cli/render. Events may
// come from several threads; a renderer takes care of that.
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
  std::string parent;  // id of what it is a part of
  std::string text;    // "Pulling"; empty for objects
  std::string status;  // "Started"; free text
  Outlook outlook = Outlook::working;
  std::uint64_t current = 0, total = 0;  // bytes; 0 = unknown
};

// A step of a build as it goes on. Steps of one build and several builds may run at the same time.
struct BuildStep {
  int id = 0;         // no two steps of a command have the same
  std::string title;  // "[web 2/5] RUN make"
  std::string stage;  // whose steps are counted together; no two builds of a command have the same
  int number = 0;     // in its stage, from 1; 0: not of the Dockerfile
  int total = 0;      // steps of that stage
  build::StepState state = build::StepState::started;
  std::string output{};  // state output: raw bytes
  std::vector<std::string>
      lines{};            // that were ended by it or by the step's end, those of the Dockerfile with their time
  double seconds = 0;     // that the step has taken, once it has ended
  std::string message{};  // state error: one line

  bool ended() const { return state != build::StepState::started && state != build::StepState::output; }
};

class Progress {
 public:
  virtual ~Progress() = default;
  // What the events until finish() are part of: "Running", "Pulling". For a person's eyes only.
  virtual void begin(std::string_view title) = 0;
  virtual void event(const ProgressEvent& event) = 0;
  virtual void step(const BuildStep& step) = 0;
  virtual void finish() = 0;
  // Text that belongs to the steps told before, whole lines with newlines: why a build failed. Goes to standard output.
  // It may hold what others chose: a terminal gets it cleaned.
  virtual void output(std::string_view text) = 0;
  // What containers write, in between; as it is.
  virtual void log(std::string_view text) = 0;
  virtual void warn(const std::string& message) = 0;  // the same words once
};

}  // namespace consort::project
