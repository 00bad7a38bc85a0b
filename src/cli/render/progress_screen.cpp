#include "cli/render/progress_screen.hpp"

#include <algorithm>
#include <iterator>

#include "cli/render/last_lines.hpp"

namespace consort::cli {

namespace {

// Builds that have been silent for this long count as finished, and give up their space.
constexpr std::chrono::seconds builds_are_over{1};
constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

}  // namespace

ProgressScreen::ProgressScreen(Terminal terminal, ProgressOptions options)
    : terminal_(terminal),
      options_(std::move(options)),
      paint_(terminal.no_color || terminal.ansi == Ansi::never ? Paint::plain : Paint::colours) {}

void ProgressScreen::begin(std::string_view title) {
  rows_.emplace(std::string(title), options_.dry_run ? "DRY-RUN MODE - " : "");
}

void ProgressScreen::event(const project::ProgressEvent& event) {
  if (rows_) rows_->event(event, options_.now());
}

void ProgressScreen::step(const project::BuildStep& step) {
  if (rows_) builds_.step(step, options_.now());
}

// The output of a failed step is untrusted.
void ProgressScreen::output(std::string_view text) {
  log(as_terminal_lines(text));
}

void ProgressScreen::log(std::string_view text) {
  if (!builds_.empty()) {
    after_builds_ += text;
    return;
  }
  options_.err(picture_.erase(options_.size()));
  options_.out(text);
}

void ProgressScreen::warn(const std::string& message) {
  if (!warned_.insert(message).second) return;
  options_.err(picture_.erase(options_.size()));
  print_warning(terminal_, message);
}

void ProgressScreen::draw() {
  if (!rows_ || (rows_->empty() && builds_.empty())) return;
  const Size size = options_.size();
  const Moment now = options_.now();
  const std::size_t room = std::max<std::size_t>(size.rows, 4) - 1;  // the cursor's line is below
  make_room_of_builds(*rows_, now, size, room);
  const std::size_t for_rows = builds_.empty() ? room : std::min(rows_->lines(), std::max<std::size_t>(room / 3, 2));
  Lines lines = builds_.draw(now, size.columns, builds_.empty() ? 0 : room - for_rows, paint_);
  std::ranges::move(rows_->draw(now, size.columns, for_rows, paint_), std::back_inserter(lines));
  options_.err(picture_.redraw(lines, size));
}

// If rows do not fit below finished builds, the builds are printed in their final form and scroll away.
void ProgressScreen::make_room_of_builds(const RowsView& rows, Moment now, Size size, std::size_t room) {
  const auto idle = builds_.idle_since();
  if (!idle || rows.empty() || now - *idle < builds_are_over) return;
  const Lines lines = builds_.whole(now, size.columns, paint_);
  if (lines.size() + rows.lines() > room) keep(lines, size);
}

void ProgressScreen::finish() {
  if (!rows_) return;
  const Size size = options_.size();
  const Moment now = options_.now();
  Lines lines = builds_.whole(now, size.columns, paint_);
  std::ranges::move(rows_->draw(now, size.columns, unlimited, paint_), std::back_inserter(lines));
  keep(lines, size);
  rows_.reset();
}

void ProgressScreen::keep(const Lines& lines, Size size) {
  if (!lines.empty() || !picture_.empty()) options_.err(picture_.redraw(lines, size));
  picture_.leave();
  builds_ = {};
  if (!after_builds_.empty()) options_.out(after_builds_);
  after_builds_.clear();
}

}  // namespace consort::cli
