// What a build tells, as the classic builder said it.
#pragma once

#include <set>
#include <string>

#include "engine/builds.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

// One call at a time.
class BuildLines {
 public:
  enum class Quiet : std::uint8_t { no, yes };
  BuildLines(const Call::LineWriter& line, Quiet quiet) : line_(&line), quiet_(quiet) {}

  bool tell(const build::ProgressEvent& event);  // false: the client has gone
  Result<> say(const std::string& text);         // {"stream":...}
  // What of the build has failed, instead of an error of its own.
  Result<> failed(const Error& error, const std::string& step, int exit_code);
  Result<> succeeded(const std::string& image_id, const std::vector<std::string>& names);

 private:
  const Call::LineWriter* line_;
  Quiet quiet_;
  std::set<int> announced_;  // steps
};

}  // namespace consort::serve
