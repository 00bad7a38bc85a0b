#include "build/failure.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::build {

std::string render_excerpt(const std::string& file, const std::string& text, std::uint32_t line,
                           std::uint32_t end_line) {
  if (line == 0) return {};
  constexpr std::uint32_t around = 2;
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  const auto count = static_cast<std::uint32_t>(lines.size());
  end_line = std::max(line, std::min(end_line, count));
  const std::uint32_t first = line > around ? line - around : 1;
  const std::uint32_t last = std::min(count, end_line + around);
  const std::string bar(20, '-');
  std::string out = base_name(file) + ":" + std::to_string(line) + "\n" + bar + "\n";
  for (std::uint32_t number = first; number <= last; ++number) {
    std::string shown = std::to_string(number);
    if (shown.size() < 4) shown.insert(0, 4 - shown.size(), ' ');
    std::string content = lines[number - 1];
    if (content.ends_with('\r')) content.pop_back();
    out += shown + " | " + (number >= line && number <= end_line ? ">>> " : "    ") + content + "\n";
  }
  return out + bar + "\n";
}

std::string render(const StepFailure& failure) {
  std::string out;
  if (!failure.title.empty()) {
    out += "------\n > " + failure.title + ":\n" + failure.output;
    if (!failure.output.empty() && !failure.output.ends_with('\n')) out += '\n';
    out += "------\n";
  }
  return out + render_excerpt(failure.file, failure.text, failure.line, failure.end_line);
}

}  // namespace consort::build
