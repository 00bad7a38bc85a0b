// A build's progress as BuildKit's plain text: "#5 [web 2/4] RUN make", "#5 0.412 gcc ...", "#5 DONE 1.2s".
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

class BuildLog {
 public:
  BuildLog(Progress& progress, Detail detail) : progress_(progress), detail_(detail) {}
  void event(const build::ProgressEvent& event);
  void warnings(const std::vector<build::Warning>& warnings);

 private:
  struct Step {
    std::string partial;  // output without its newline yet
    std::chrono::steady_clock::time_point started;
    bool announced = false;
  };
  void lines(const build::ProgressEvent& event, Step& step);

  Progress& progress_;
  Detail detail_;
  std::map<int, Step> steps_;
  int last_ = 0;  // whose lines were printed last: a blank line stands between steps
};

}  // namespace consort::project
