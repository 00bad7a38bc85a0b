// The picture of a command's progress on a terminal: builds (build_view.hpp), and below them everything else
// (rows_view.hpp). Not for several threads: progress_tty.cpp sees to that, and to drawing it again and again.
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
  // What is said of builds comes below their steps, once those are all there.
  void output(std::string_view text);
  void log(std::string_view text);  // likewise
  void warn(const std::string& message);
  void draw();
  // The whole, in its last form and for good.
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
  std::set<std::string> warned_;  // what was said once is not said again for the next image
  std::string after_builds_;
  Picture picture_;
};

}  // namespace consort::cli
