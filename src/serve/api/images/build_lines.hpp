// Output of a build in the style of the classic builder: instructions in the order of the file, although stages are
// built concurrently. The classic builder named an image after each instruction; here only the last one exists, and a
// digest of the preceding instructions stands for the others.
#pragma once

#include <string>
#include <vector>

#include "engine/builds.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

// Not thread-safe: one call at a time.
class BuildLines {
 public:
  struct Options {
    enum class Quiet : std::uint8_t { no, yes } quiet = Quiet::no;
    enum class Containers : std::uint8_t { keep, remove } containers = Containers::remove;  // rm= of a build
  };
  BuildLines(const Call::LineWriter& line, Options options) : line_(&line), options_(options) {}

  void begin(const std::vector<build::PlannedInstruction>& outline);
  void unused(std::vector<std::string> arguments) { unused_ = std::move(arguments); }  // said at the end
  bool tell(const build::ProgressEvent& event);                                        // false: the client has gone
  // Said once the first instruction is: what fails before that has an answer of its own. false: the client has gone.
  bool warn(const std::string& text);
  Result<> say(const std::string& text);  // {"stream":...}
  // Reports the part of the build that failed, instead of the error itself.
  Result<> failed(const Error& error, const std::string& step, int exit_code);
  enum class Before : std::uint8_t { unknown, known };  // whether the image already existed
  Result<> succeeded(const std::string& image_id, Before before, const std::vector<std::string>& names);

 private:
  struct Row {
    build::PlannedInstruction what;
    enum class State : std::uint8_t { waits, cached, runs, done } state = State::waits;
    bool announced = false;
    std::vector<std::string> output;  // not sent yet
    std::string id;                   // its resulting image, 12 digits
    std::string container;            // the container it claims to run in, likewise
  };
  Row* row_of(const build::ProgressEvent& event);
  Row::State state_of(std::size_t index) const;  // for settings: whether they were cached follows from their neighbours
  Result<> advance();
  Result<bool> show(std::size_t index);  // false: it has not ended yet
  Result<> announce(std::size_t index);
  bool has_container(const Row& row) const;
  Result<> say_warnings();

  const Call::LineWriter* line_;
  Options options_;
  std::vector<Row> rows_;
  std::vector<std::string> warnings_;             // not yet said
  std::vector<std::string> unused_;               // arguments that the file does not take
  bool begun_ = false;                            // an instruction is announced
  std::size_t next_ = 0;                          // the first that is not over
  std::optional<Row::State> last_settings_ = {};  // of those behind the last step, when all is over
};

}  // namespace consort::serve
