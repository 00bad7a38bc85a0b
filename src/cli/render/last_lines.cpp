#include "cli/render/last_lines.hpp"

#include "base/cells.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t longest_line = 4096;  // a longer line is cut: the display cannot show that much
constexpr char bell = '\a', escape_byte = '\033';

// An intermediate byte: the escape sequence continues after it.
bool is_intermediate(char c) {
  return c >= 0x20 && c <= 0x2f;
}

}  // namespace

void LastLines::add(std::string_view bytes) {
  for (const char c : bytes) add(c);
}

void LastLines::add(char c) {
  switch (state_) {
    case State::text:
      if (c == escape_byte) {
        state_ = State::escape;
      } else {
        add_text(c);
      }
      return;
    case State::escape:
      if (c == '[') {
        state_ = State::control;
      } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
        state_ = State::string;
      } else if (is_intermediate(c)) {
        state_ = State::escape_more;
      } else if (c != escape_byte) {
        state_ = State::text;
        if (c == '\n') end_line();
      }
      return;
    case State::escape_more:
      if (!is_intermediate(c)) state_ = State::text;
      return;
    case State::control:
      if (c == escape_byte) {
        state_ = State::escape;
      } else if (c == '\n') {  // the sequence is incomplete
        state_ = State::text;
        end_line();
      } else if (c >= 0x40 && c <= 0x7e) {
        state_ = State::text;
      }
      return;
    case State::string:
      if (c == bell) state_ = State::text;
      if (c == escape_byte) state_ = State::string_escape;
      if (c == '\n') {  // incomplete: at most one line is lost
        state_ = State::text;
        end_line();
      }
      return;
    case State::string_escape:
      state_ = State::text;
      if (c != '\\') add(c);
      return;
  }
}

void LastLines::add_text(char c) {
  if (c == '\n') {
    end_line();
    return;
  }
  if (c == '\r') {
    returned_ = true;
    return;
  }
  if (c == '\b') {
    while (!line_.empty() && (line_.back() & 0xc0) == 0x80) line_.pop_back();
    if (!line_.empty()) line_.pop_back();
    return;
  }
  if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return;
  if (returned_) line_.clear();
  returned_ = false;
  if (line_.size() < longest_line) line_ += c;
}

void LastLines::end_line() {
  if (lines_.size() == most_) lines_.pop_front();
  lines_.push_back(sanitized_line(line_));
  line_.clear();
  returned_ = false;
}

std::vector<std::string> LastLines::rows(std::size_t most, std::size_t cells) const {
  std::deque<std::string> rows;
  const auto add_before = [&](std::string_view line) {
    const auto pieces = wrapped(line, cells);
    for (auto piece = pieces.rbegin(); piece != pieces.rend() && rows.size() < most; ++piece)
      rows.emplace_front(*piece);
  };
  if (!line_.empty()) add_before(sanitized_line(line_));
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) add_before(*line);
  return {rows.begin(), rows.end()};
}

std::string as_terminal_lines(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    LastLines line(1);
    line.add(text.substr(0, end));
    for (const std::string& row : line.rows(1, std::string_view::npos)) result += row + "\n";
    text.remove_prefix(end);
  }
  return result;
}

}  // namespace consort::cli
