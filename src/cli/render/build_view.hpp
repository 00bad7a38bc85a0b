// Build steps in BuildKit's terminal format:
//   [+] Building 12.3s (7/9)
//    => [web internal] load build definition from Dockerfile            0.0s
//    => CACHED [web 1/3] FROM debian:bookworm-slim                      0.0s
//    => [web 2/3] RUN make                                              3.1s
//    => => # gcc -c one.c
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/render/last_lines.hpp"
#include "cli/render/picture.hpp"
#include "project/exec/progress.hpp"

namespace consort::cli {

class BuildView {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  void step(const project::BuildStep& told, Moment now);
  bool empty() const { return steps_.empty(); }
  // Since when no step has been running; nullopt while one is.
  std::optional<Moment> idle_since() const;

  // For builds in progress: at most `most` lines, including the latest output of running steps.
  Lines draw(Moment now, std::size_t columns, std::size_t most, Paint paint) const;
  // Every step in its final state.
  Lines whole(Moment now, std::size_t columns, Paint paint) const;

 private:
  struct Step {
    std::string title;
    build::StepState state = build::StepState::started;
    bool internal = false;
    bool ended = false;
    Moment begun{}, end{};
    double seconds = 0;              // set once it has ended
    std::vector<std::string> notes;  // what an internal step has done
    LastLines written;
    double duration(Moment now) const;
  };
  Line head(Moment now, Paint paint) const;
  static Line step_line(const Step& step, Moment now, std::size_t columns, Paint paint);
  // The step's own line and the lines that belong to it, with at most `rows` rows of its output.
  static std::vector<RankedLine> block(const Step& step, Moment now, std::size_t columns, std::size_t rows,
                                       Paint paint);
  std::size_t rows_that_fit(std::size_t columns, std::size_t room) const;

  std::vector<Step> steps_;           // in order of their start
  std::map<int, std::size_t> by_id_;  // index in steps_
  struct Stage {
    std::set<int> seen;
    int total = 0;
  };
  std::map<std::string, Stage> stages_;
};

}  // namespace consort::cli
