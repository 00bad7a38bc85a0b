#include "compose/source.hpp"

#include <algorithm>
#include <utility>

namespace consort::compose {

namespace {

// Lines end with \n, \r\n or \r, as in YAML.
std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> starts{0};
  for (std::size_t at = text.find_first_of("\r\n"); at != std::string_view::npos; at = text.find_first_of("\r\n", at)) {
    at += text.substr(at).starts_with("\r\n") ? 2 : 1;
    starts.push_back(at);
  }
  return starts;
}

std::string_view line_of(std::string_view text, const std::vector<std::size_t>& starts, std::uint32_t number) {
  if (number == 0 || number > starts.size()) return {};
  const std::size_t begin = starts[number - 1];
  std::size_t end = number < starts.size() ? starts[number] - 1 : text.size();
  if (end > begin && text[end - 1] == '\r') --end;
  return text.substr(begin, end - begin);
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::uint32_t code_points(std::string_view text) {
  return static_cast<std::uint32_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

std::pair<std::uint32_t, std::uint32_t> line_and_column(std::string_view text, const std::vector<std::size_t>& starts,
                                                        std::size_t offset) {
  offset = std::min(offset, text.size());
  const auto after = std::ranges::upper_bound(starts, offset);
  const auto line = static_cast<std::uint32_t>(after - starts.begin());
  const std::size_t begin = starts[line - 1];
  return {line, code_points(text.substr(begin, offset - begin)) + 1};
}

}  // namespace

std::string_view line_of_text(std::string_view text, std::uint32_t number) {
  return line_of(text, line_starts(text), number);
}

Source::Source(std::string path, std::string text)
    : path_(std::move(path)),
      original_(std::move(text)),
      text_(original_),
      starts_(line_starts(text_)),
      original_starts_(starts_) {}

std::string_view Source::line(std::uint32_t number) const {
  return line_of(text_, starts_, number);
}
std::string_view Source::original_line(std::uint32_t number) const {
  return line_of(original_, original_starts_, number);
}

std::size_t Source::offset_of(std::uint32_t line_number, std::uint32_t column) const {
  if (line_number == 0) return 0;
  if (line_number > starts_.size()) return text_.size();
  std::size_t at = starts_[line_number - 1];
  for (std::uint32_t c = 1; c < column && at < text_.size() && text_[at] != '\n'; ++c) {
    ++at;
    while (at < text_.size() && is_continuation(text_[at])) ++at;
  }
  return at;
}

std::size_t Source::original_offset(std::size_t offset) const {
  std::size_t shown = 0;  // offset in the repaired text that corresponds to `before`
  std::size_t before = 0;
  for (const Repair& each : repairs_) {
    const std::size_t untouched = each.offset - before;
    if (offset < shown + untouched) break;
    if (offset < shown + untouched + each.inserted) return each.offset;
    shown += untouched + each.inserted;
    before = each.offset + each.length;
  }
  return std::min(before + (offset - shown), original_.size());
}

Place Source::place_at(std::size_t offset, std::uint32_t length) const {
  const auto [line_number, column] = line_and_column(text_, starts_, offset);
  return Place{0, line_number, column, length};
}

Mark Source::mark(Place place) const {
  Mark mark{path_, place.line, place.column, place.length};
  if (repairs_.empty() || place.line == 0) return mark;
  std::tie(mark.line, mark.column) =
      line_and_column(original_, original_starts_, original_offset(offset_of(place.line, place.column)));
  return mark;
}

TextEdit Source::repair(std::size_t offset, std::size_t length, std::string replacement) {
  const std::size_t begin = original_offset(offset);
  const std::size_t end = original_offset(offset + length);
  for (const Repair& each : repairs_) {
    const bool touches = begin < each.offset + each.length && each.offset < end;
    if (touches || (begin == each.offset && each.inserted > 0)) return {};
  }
  if (end - begin != length) return {};
  TextEdit edit{path_, begin, length, replacement};
  repairs_.push_back(Repair{begin, length, replacement.size()});
  std::ranges::sort(repairs_, {}, &Repair::offset);
  text_.replace(offset, length, replacement);
  starts_ = line_starts(text_);
  return edit;
}

Sources::Sources() {
  sources_.emplace_back("", "");
}

std::uint32_t Sources::add(std::string path, std::string text) {
  sources_.emplace_back(std::move(path), std::move(text));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

const Source* Sources::get(std::uint32_t index) const {
  return index > 0 && index < sources_.size() ? &sources_[index] : nullptr;
}
Source* Sources::get(std::uint32_t index) {
  return const_cast<Source*>(std::as_const(*this).get(index));
}

const Source* Sources::by_path(std::string_view path) const {
  for (std::size_t i = 1; i < sources_.size(); ++i) {
    if (sources_[i].path() == path) return &sources_[i];
  }
  return nullptr;
}

Mark Sources::mark(Place place) const {
  const Source* source = get(place.source);
  return source ? source->mark(place) : Mark{};
}

std::string Sources::line_text(const Mark& mark) const {
  const Source* source = by_path(mark.file);
  constexpr std::size_t limit = 4096;  // a longer line was not written by hand, and would be printed with each message
  const std::string_view line = source ? source->original_line(mark.line) : std::string_view();
  return line.size() <= limit ? std::string(line) : std::string();
}

}  // namespace consort::compose
