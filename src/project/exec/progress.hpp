// What is told while a plan is carried out: a stream of events about named things, rendered by cli/render. Events may
// come from several threads; a renderer takes care of that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

class Progress {
 public:
  virtual ~Progress() = default;
  // What the events until finish() are part of: "Running", "Pulling". For a person's eyes only.
  virtual void begin(std::string_view title) = 0;
  virtual void event(const ProgressEvent& event) = 0;
  virtual void finish() = 0;
  // Text that belongs between events, whole lines with newlines: the output of a build. Goes to standard output.
  virtual void output(std::string_view text) = 0;
  virtual void warn(const std::string& message) = 0;
};

}  // namespace consort::project
