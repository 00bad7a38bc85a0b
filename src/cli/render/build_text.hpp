// The steps of builds as BuildKit's plain text: "#5 [2/4] RUN make", "#5 0.412 gcc ...", "#5 DONE 1.2s". Steps are
// numbered in the order in which they are shown, and what one says while another is being shown waits for it to pause.
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

  // What is to be written because of it; may be empty.
  std::string step(const project::BuildStep& told, Moment now);

 private:
  struct Step {
    std::string title;
    int number = 0;       // once it is shown
    std::string waiting;  // lines not shown yet; each begins with '#', after which its number goes
    bool ended = false;
  };
  static void add_line(Step& step, const std::string& line);
  void show(Step& step);
  void show_ended();
  void show_waiting();

  std::map<int, Step> steps_;
  Step* current_ = nullptr;  // whose lines were shown last
  Moment now_{}, shown_{};
  int numbers_ = 0;
  std::string text_;
};

}  // namespace consort::cli
