// The progress display of a command on a terminal: builds (build_view.hpp), and everything else below them
// (rows_view.hpp). Not thread-safe: progress_tty.cpp provides locking and redraws it periodically.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cli/render/build_view.hpp"
#include "cli/render/picture.hpp"
#include "cli/render/progress.hpp"
#include "cli/render/rows_view.hpp"

namespace consort::cli {

class ProgressScreen {
 public:
  ProgressScreen(Terminal terminal, ProgressOptions options);

  void begin(std::string_view title);
  void event(const project::ProgressEvent& event);
  void step(const project::BuildStep& step);
  // Messages about builds are shown below their steps once all of those are known.
  void output(std::string_view text);
  void log(std::string_view text);  // likewise
  void warn(const std::string& message);
  void draw();
  // Draws everything in its final form, permanently.
  void finish();
  bool blank() const { return picture_.empty(); }

 private:
  void keep(const Lines& lines, Size size);
  void make_room_of_builds(const RowsView& rows, Moment now, Size size, std::size_t room);

  Terminal terminal_;
  ProgressOptions options_;
  Paint paint_;
  std::optional<RowsView> rows_;  // between begin and finish
  BuildView builds_;
  std::set<std::string> warned_;  // warnings already shown; they are not repeated for the next image
  std::string after_builds_;
  Picture picture_;
};

}  // namespace consort::cli
