#include "cli/render/rows_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/cells.hpp"
#include "base/time.hpp"

namespace consort::cli {

namespace {

using project::Outlook;
using project::ProgressEvent;
using Moment = RowsView::Moment;

constexpr std::array spinner{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::chrono::milliseconds spinner_step{100};
constexpr std::array fillings{"⠀", "⡀", "⣀", "⣄", "⣤", "⣦", "⣶", "⣷", "⣿"};  // the progress of one part
constexpr std::size_t least_status = 13;  // cells that a long name must leave free: "Waiting", "Started", ...
constexpr double least_seconds = 0.2;     // before that, a speed is meaningless

double seconds_between(Moment begin, Moment end) {
  return std::chrono::duration<double>(end - begin).count();
}

std::string_view colour_of(Outlook outlook) {
  switch (outlook) {
    case Outlook::working:
      return colour::blue;
    case Outlook::done:
      return colour::green;
    case Outlook::warning:
      return colour::yellow;
    case Outlook::error:
      return colour::red;
  }
  return colour::none;
}

std::string_view mark_of(Outlook outlook, double seconds) {
  switch (outlook) {
    case Outlook::working:
      return spinner[static_cast<std::size_t>(seconds / std::chrono::duration<double>(spinner_step).count()) %
                     spinner.size()];
    case Outlook::done:
      return "✔";
    case Outlook::warning:
      return "!";
    case Outlook::error:
      return "✘";
  }
  return " ";
}

std::string speed(std::uint64_t bytes, double seconds) {
  if (bytes == 0 || seconds < least_seconds) return {};
  return " " + human_bytes_decimal(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
}

int rank_of(const ProgressEvent& event) {
  const bool part = !event.parent.empty();
  if (event.outlook != Outlook::working) return event.outlook == Outlook::error ? 4 : part ? 0 : 3;
  return part ? (event.current > 0 ? 2 : 1) : 4;
}

// "Container shop-w…ice-7-1": the end of a name often distinguishes it from others, so the middle is cut.
std::string cut_in_the_middle(const std::string& text, std::size_t most) {
  if (cells_of(text) <= most) return text;
  const std::size_t front = most / 2;
  std::string_view back = text;
  while (!back.empty() && cells_of(back) + front + 1 > most) {
    back.remove_prefix(1);
    while (!back.empty() && (static_cast<unsigned char>(back.front()) & 0xC0U) == 0x80U) back.remove_prefix(1);
  }
  return std::string(cut_to_cells(text, front)) + "…" + std::string(back);
}

}  // namespace

void RowsView::event(const ProgressEvent& event, Moment now) {
  auto found = std::ranges::find_if(
      rows_, [&](const Row& row) { return row.event.id == event.id && row.event.parent == event.parent; });
  if (found == rows_.end()) {
    rows_.push_back({.event = event, .begun = now});
    found = rows_.end() - 1;
  }
  found->event = event;
  found->ended = event.outlook == Outlook::working ? std::nullopt : std::optional(now);
  if (event.total > 0) {
    found->size = event.total;
    found->bytes = event.current;
    if (event.current > 0 && !found->counted_since) {
      found->counted_since = now;
      found->first_bytes = event.current;
    }
  } else if (event.current > 0 || event.outlook == Outlook::done) {
    found->bytes = found->size;  // downloaded, and being unpacked now
  }
}

Line RowsView::head(Paint paint) const {
  const auto done = std::ranges::count_if(rows_, [](const Row& row) { return row.event.outlook != Outlook::working; });
  const std::string text = fmt::format("[+] {} {}/{}", title_, done, rows_.size());
  return Line().add(text, static_cast<std::size_t>(done) == rows_.size() ? colour::blue : colour::none, paint);
}

RowsView::Parts RowsView::parts_of(const Row& row) const {
  Parts parts;
  if (row.is_part()) return parts;
  for (const Row& other : rows_)
    if (other.event.parent == row.event.id) parts.push_back(&other);
  return parts;
}

std::string RowsView::name_of(const Row& row, std::size_t columns) {
  std::string name = sanitized_line(row.event.id);
  if (!row.event.text.empty()) name += " " + sanitized_line(row.event.text);
  const std::size_t most = std::max<std::size_t>(columns, 40) - least_status - 11;  // the marks and the time
  return cut_in_the_middle(name, most);
}

std::string RowsView::status_of(const Row& row, Moment now) {
  const ProgressEvent& event = row.event;
  if (!row.is_part() || event.outlook != Outlook::working) return event.total ? "" : sanitized_line(event.status);
  std::string text = sanitized_line(event.status);
  if (event.total == 0 || event.current == 0) return event.current > 0 ? human_bytes_decimal(event.current) : "";
  if (row.counted_since)
    text += speed(event.current - std::min(event.current, row.first_bytes), seconds_between(*row.counted_since, now));
  return text;
}

// " [⣿⣦⣀] 22.6MB / 43MB 5.2MB/s": a character for each part, and the downloaded share of the total.
void RowsView::add_parts(Line& line, const Row& row, const Parts& parts, Moment now, Paint paint) {
  std::uint64_t bytes = 0, size = 0, moved = 0;
  std::optional<Moment> since;
  std::string signs;
  for (const Row* part : parts) {
    const bool done = part->event.outlook == Outlook::done;
    const std::uint64_t filled = part->size > 0 ? part->bytes * 8 / part->size : done ? 8 : 0;
    signs += fillings[std::min<std::uint64_t>(filled, 8)];
    bytes += part->bytes;
    size += part->size;
    if (!part->counted_since) continue;
    moved += part->bytes - std::min(part->bytes, part->first_bytes);
    since = since ? std::min(*since, *part->counted_since) : *part->counted_since;
  }
  line.add(sanitized_line(row.event.id)).add(" [").add(signs, colour::green, paint).add("]");
  if (size > 0) line.add(" " + human_bytes_decimal(bytes) + " / " + human_bytes_decimal(size));
  if (since && bytes < size) line.add(speed(moved, seconds_between(*since, now)));
  line.add(" " + sanitized_line(row.event.text));
}

Line RowsView::row_line(const Row& row, const Parts& parts, std::size_t status_column, Moment now, std::size_t columns,
                        Paint paint) const {
  const double seconds = seconds_between(row.begun, row.ended.value_or(now));
  const std::string clock = fmt::format("{:.1f}s ", seconds);
  const std::size_t room = std::max<std::size_t>(columns, clock.size() + 1) - clock.size() - 1;
  const std::string_view code = colour_of(row.event.outlook);
  Line line;
  line.add(row.is_part() ? "   " : " ").add(mark_of(row.event.outlook, seconds), code, paint).add(" ");
  line.add(prefix_, colour::magenta, paint);
  Line with_parts = line;
  if (!parts.empty() && row.event.outlook == Outlook::working) add_parts(with_parts, row, parts, now, paint);
  if (with_parts.cells() > line.cells() && with_parts.cells() <= room) {
    line = std::move(with_parts);
  } else {
    line.add(cut_to_cells(name_of(row, columns), room - std::min(room, line.cells())));
  }
  if (const std::string status = status_of(row, now); !status.empty()) {
    line.pad_to(std::min(status_column, room)).add(" ");
    line.add(cut_to_cells(status, room - std::min(room, line.cells())), code, paint);
  }
  line.pad_to(room).add(" ").add(clock, colour::blue, paint);
  return line;
}

Lines RowsView::draw(Moment now, std::size_t columns, std::size_t most, Paint paint) const {
  if (empty() || most == 0) return {};
  std::size_t status_column = 0;
  const std::size_t before = cells_of(prefix_) + 3;
  for (const Row& row : rows_)
    if (!status_of(row, now).empty())
      status_column = std::max(
          status_column, before + (row.is_part() ? 2 : 0) + cells_of(name_of(row, columns)) + (row.is_part() ? 0 : 1));
  std::vector<RankedLine> lines;
  std::size_t wholes = 0;
  const auto add = [&](const Row& row, const Parts& parts) {
    lines.push_back({row_line(row, parts, status_column, now, columns, paint), rank_of(row.event)});
  };
  for (const Row& row : rows_) {
    if (row.is_part()) continue;
    const Parts parts = parts_of(row);
    ++wholes;
    add(row, parts);
    for (const Row* part : parts) add(*part, {});
  }
  const std::size_t room = most - 1;
  const std::size_t hidden = wholes > room && room > 1 ? wholes - (room - 1) : 0;  // parts have been left out before
  Lines result = fitted(std::move(lines), hidden > 0 ? room - 1 : room);
  if (hidden > 0) result.push_back(Line().add(" +" + std::to_string(hidden) + " more"));
  result.insert(result.begin(), head(paint));
  return result;
}

}  // namespace consort::cli
