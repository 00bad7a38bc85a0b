#include "cli/render/build_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/cells.hpp"

namespace consort::cli {

namespace {

using build::StepState;

constexpr std::size_t most_rows = 6;  // of a step's output, as in BuildKit

// The completed part of a step is reported as "writing image sha256:... done".
std::string note_of(std::string_view line) {
  if (line.ends_with(" done")) line.remove_suffix(5);
  return sanitized_line(line);
}

std::string_view colour_of(StepState state) {
  switch (state) {
    case StepState::started:
    case StepState::output:
      return colour::none;
    case StepState::cached:
    case StepState::done:
      return colour::blue;
    case StepState::error:
      return colour::red;
    case StepState::canceled:
      return colour::yellow;
  }
  return colour::none;
}

std::string_view word_of(StepState state) {
  switch (state) {
    case StepState::cached:
      return "CACHED ";
    case StepState::error:
      return "ERROR ";
    case StepState::canceled:
      return "CANCELED ";
    default:
      return "";
  }
}

// The column where a step's time ends. The last one stays free, because some terminals wrap when it is written to.
std::size_t right_edge(std::size_t columns) {
  return std::max<std::size_t>(columns, 20) - 1;
}

}  // namespace

void BuildView::step(const project::BuildStep& told, Moment now) {
  const auto [found, fresh] = by_id_.try_emplace(told.id, steps_.size());
  if (fresh) {
    steps_.push_back({.title = sanitized_line(told.title),
                      .internal = told.number == 0,
                      .begun = now,
                      .end = now,
                      .written = LastLines(most_rows)});
    if (told.number > 0) {
      Stage& stage = stages_[told.stage];
      stage.seen.insert(told.number);
      stage.total = std::max(stage.total, told.total);
    }
  }
  Step& step = steps_[found->second];
  step.state = told.state;
  step.ended = told.ended();
  if (step.internal) {
    for (const std::string& line : told.lines) step.notes.push_back(note_of(line));
  } else {
    step.written.add(told.output);
  }
  if (!step.ended) return;
  step.end = now;
  step.seconds = told.seconds;
}

std::optional<BuildView::Moment> BuildView::idle_since() const {
  if (empty() || !std::ranges::all_of(steps_, &Step::ended)) return std::nullopt;
  return std::ranges::max(steps_, {}, &Step::end).end;
}

double BuildView::Step::duration(Moment now) const {
  return ended ? seconds : std::chrono::duration<double>(now - begun).count();
}

Line BuildView::head(Moment now, Paint paint) const {
  // For stages that have begun, the number of remaining steps is known.
  std::size_t total = steps_.size();
  for (const auto& [name, stage] : stages_)
    total += static_cast<std::size_t>(std::max(0, stage.total - static_cast<int>(stage.seen.size())));
  const auto done = static_cast<std::size_t>(std::ranges::count_if(steps_, &Step::ended));
  const bool good = std::ranges::all_of(
      steps_, [](const Step& step) { return step.state == StepState::done || step.state == StepState::cached; });
  const Moment end = idle_since().value_or(now);
  const double seconds = std::chrono::duration<double>(end - steps_.front().begun).count();
  const std::string text = fmt::format("[+] Building {:.1f}s ({}/{})", seconds, done, total);
  return good && done == total ? Line().add(text + " FINISHED", colour::blue, paint) : Line().add(text);
}

Line BuildView::step_line(const Step& step, Moment now, std::size_t columns, Paint paint) {
  const std::string clock = fmt::format(" {:>4.1f}s", step.duration(now));
  const std::size_t room = right_edge(columns) - std::min(right_edge(columns), clock.size());
  std::string text(cut_to_cells(fmt::format(" => {}{}", word_of(step.state), step.title), room));
  text.append(room - cells_of(text), ' ');
  return Line().add(text + clock, colour_of(step.state), paint);
}

std::vector<RankedLine> BuildView::block(const Step& step, Moment now, std::size_t columns, std::size_t rows,
                                         Paint paint) {
  const int rank = !step.ended || step.state == StepState::error ? 1 : 0;
  std::vector<RankedLine> lines{{step_line(step, now, columns, paint), rank}};
  const auto add = [&](std::string_view before, std::string_view text, std::string_view code) {
    const std::string whole = std::string(before) + std::string(text);
    lines.push_back({Line().add(cut_to_cells(whole, right_edge(columns)), code, paint), rank});
  };
  for (const std::string& note : step.notes) add(" => => ", note, colour_of(step.state));
  constexpr std::string_view before = " => => # ";
  if (!step.ended)
    for (const std::string& row : step.written.rows(rows, right_edge(columns) - before.size()))
      add(before, row, colour::faint);
  return lines;
}

std::size_t BuildView::rows_that_fit(std::size_t columns, std::size_t room) const {
  for (std::size_t rows = most_rows; rows > 0; --rows) {
    std::size_t lines = 0;
    for (const Step& step : steps_)
      if (!step.ended) lines += block(step, step.begun, columns, rows, Paint::plain).size();
    if (lines <= room) return rows;
  }
  return 0;
}

Lines BuildView::draw(Moment now, std::size_t columns, std::size_t most, Paint paint) const {
  if (empty() || most == 0) return {};
  const std::size_t rows = rows_that_fit(columns, most - 1);
  std::vector<RankedLine> lines;
  for (const Step& step : steps_)
    for (RankedLine& line : block(step, now, columns, rows, paint)) lines.push_back(std::move(line));
  Lines result = fitted(std::move(lines), most - 1);
  result.insert(result.begin(), head(now, paint));
  return result;
}

Lines BuildView::whole(Moment now, std::size_t columns, Paint paint) const {
  if (empty()) return {};
  Lines result{head(now, paint)};
  for (const Step& step : steps_)
    for (RankedLine& line : block(step, now, columns, 0, paint)) result.push_back(std::move(line.line));
  return result;
}

}  // namespace consort::cli
