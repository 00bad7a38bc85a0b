// Progress for work that is not displayed because the output of the affected containers is.
#pragma once

#include <string>
#include <string_view>

#include "project/exec/progress.hpp"

namespace consort::project {

// Passes on only warnings and text for standard output; `behind` must outlive it.
class SilentProgress final : public Progress {
 public:
  explicit SilentProgress(Progress& behind) : behind_(behind) {}
  void begin(std::string_view) override {}
  void event(const ProgressEvent&) override {}
  void step(const BuildStep&) override {}
  void finish() override {}
  void output(std::string_view text) override { behind_.output(text); }
  void log(std::string_view text) override { behind_.log(text); }
  void warn(const std::string& message) override { behind_.warn(message); }

 private:
  Progress& behind_;
};

}  // namespace consort::project
