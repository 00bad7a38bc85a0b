// Build steps in BuildKit's plain format: "#5 [2/4] RUN make", "#5 0.412 gcc ...", "#5 DONE 1.2s". Steps are numbered
// in the order in which they are shown; output of a step is held back while another one is shown, until that one
// pauses.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "project/exec/progress.hpp"

namespace consort::cli {

class BuildText {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  // Returns the text to write; may be empty.
  std::string step(const project::BuildStep& told, Moment now);

 private:
  struct Step {
    std::string title;
    int number = 0;       // once it is shown
    std::string waiting;  // lines not shown yet; each begins with '#', after which the number is inserted
    bool ended = false;
  };
  static void add_line(Step& step, const std::string& line);
  void show(Step& step);
  void show_ended();
  void show_waiting();

  std::map<int, Step> steps_;
  Step* current_ = nullptr;  // the step whose lines were shown last
  Moment now_{}, shown_{};
  int numbers_ = 0;
  std::string text_;
};

}  // namespace consort::cli
