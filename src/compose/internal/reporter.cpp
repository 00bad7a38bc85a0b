#include "compose/internal/reporter.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"

namespace consort::compose {

Diagnostic& Reporter::add(Severity severity, std::string_view code, std::string message, Place place) {
  if (severity == Severity::error) ++errors_;
  if (diagnostics_.size() >= diagnostic_limit) {
    overflow_ = Diagnostic{};
    return overflow_;
  }
  Diagnostic made;
  made.severity = severity;
  made.code = std::string(code);
  made.message = std::move(message);
  made.mark = sources_.mark(place);
  made.line_text = sources_.line_text(made.mark);
  diagnostics_.push_back(std::move(made));
  return diagnostics_.back();
}

Diagnostic& Reporter::error(std::string_view code, std::string message, Place place) {
  return add(Severity::error, code, std::move(message), place);
}
Diagnostic& Reporter::warning(std::string_view code, std::string message, Place place) {
  return add(Severity::warning, code, std::move(message), place);
}

RelatedMark Reporter::related(Place place, std::string label) const {
  const Mark mark = sources_.mark(place);
  return RelatedMark{mark, sources_.line_text(mark), std::move(label)};
}

TextEdit Reporter::edit_bytes(std::uint32_t source, std::size_t offset, std::size_t length,
                              std::string replacement) const {
  const Source* found = sources_.get(source);
  if (!found) return {};
  const std::size_t begin = found->original_offset(offset);
  if (found->original_offset(offset + length) - begin != length) return {};
  return TextEdit{found->path(), begin, length, std::move(replacement)};
}

TextEdit Reporter::edit(Place place, std::string replacement) const {
  const Source* found = sources_.get(place.source);
  if (!found || place.line == 0) return {};
  const std::size_t begin = found->offset_of(place.line, place.column);
  const std::size_t end = found->offset_of(place.line, place.column + place.length);
  return edit_bytes(place.source, begin, end - begin, std::move(replacement));
}

void Reporter::rewind(std::size_t size) {
  while (diagnostics_.size() > size) {
    if (diagnostics_.back().severity == Severity::error) --errors_;
    diagnostics_.pop_back();
  }
}

std::string Path::dotted() const {
  return join(segments_, ".");
}

}  // namespace consort::compose
