#include "project/exec/build_log.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"

namespace consort::project {

namespace {

constexpr std::size_t tail_lines = 10;
constexpr const char* ruler = "------\n";

}  // namespace

std::string BuildLog::title_of(const std::string& service, const std::string& title) const {
  if (builds_ == Builds::one) return title;
  return title.starts_with('[') ? "[" + service + " " + title.substr(1) : "[" + service + "] " + title;
}

std::vector<std::string> BuildLog::take_lines(Step& step, const std::string& output, Flush flush) {
  const double seconds = std::chrono::duration<double>(Clock::now() - step.started).count();
  std::vector<std::string> lines;
  step.partial += output;
  if (flush == Flush::all && !step.partial.empty() && !step.partial.ends_with('\n')) step.partial += '\n';
  std::size_t begin = 0;
  for (std::size_t end = step.partial.find('\n'); end != std::string::npos; end = step.partial.find('\n', begin)) {
    std::string line(std::string_view(step.partial).substr(begin, end - begin));
    if (!step.internal) line = fmt::format("{:.3f} {}", seconds, line);
    if (step.tail.size() == tail_lines) step.tail.pop_front();
    step.tail.push_back(line);
    lines.push_back(std::move(line));
    begin = end + 1;
  }
  step.partial.erase(0, begin);
  return lines;
}

void BuildLog::event(const std::string& service, const build::ProgressEvent& event) {
  const std::scoped_lock lock(mutex_);
  const auto [found, fresh] = steps_.try_emplace({service, event.id});
  Step& step = found->second;
  if (fresh) {
    step.id = static_cast<int>(steps_.size());
    step.title = title_of(service, event.text);
    step.internal = event.number == 0;
  }
  BuildStep told{.id = step.id,
                 .title = step.title,
                 .stage = service + "/" + event.stage,
                 .number = event.number,
                 .total = event.total,
                 .state = event.state,
                 .output = event.output,
                 .seconds = event.seconds,
                 .message = event.message};
  told.lines = take_lines(step, event.output, told.ended() ? Flush::all : Flush::whole_lines);
  if (detail_ == Detail::all) progress_.step(told);
}

void BuildLog::failure(const std::string& service, const build::StepFailure& failure) {
  if (failure.title.empty()) return;
  const std::scoped_lock lock(mutex_);
  const std::string title = title_of(service, failure.title);
  std::string text = ruler + fmt::format(" > {}:\n", title);
  for (auto& [key, step] : steps_) {
    if (key.first != service || step.title != title) continue;
    for (const std::string& line : step.tail) text += line + "\n";
    break;
  }
  progress_.output(text + ruler);
}

void BuildLog::warnings(const std::vector<build::Warning>& warnings) {
  if (warnings.empty() || detail_ == Detail::quiet) return;
  const std::scoped_lock lock(mutex_);
  std::string text = fmt::format("\n {} warning{} found:\n", warnings.size(), warnings.size() == 1 ? "" : "s");
  for (const build::Warning& warning : warnings)
    text += fmt::format(" - {}: {} (line {})\n", warning.rule, warning.message, warning.at.line);
  progress_.output(text);
}

void BuildLog::explanations(const std::string& service, const std::vector<build::StepExplanation>& explanations) {
  const std::scoped_lock lock(mutex_);
  std::string text = "\n";
  for (const build::StepExplanation& each : explanations)
    text += fmt::format("{}: {}: {}\n", title_of(service, each.step), each.cached ? "cached" : "run", each.reason);
  progress_.output(text);
}

std::string check_report(const std::string& service, const std::vector<build::Warning>& warnings,
                         const std::string& dockerfile_text) {
  std::string text = service + "\n\n";
  if (warnings.empty()) return text + "Check complete, no warnings found.\n";
  text += fmt::format("Check complete, {} warning{} been found!\n", warnings.size(),
                      warnings.size() == 1 ? " has" : "s have");
  for (const build::Warning& warning : warnings) {
    text += fmt::format("\nWARNING: {}", warning.rule);
    if (!warning.url.empty()) text += " - " + warning.url;
    text += fmt::format("\n{}\n{}:{}:{}\n", warning.message, warning.at.file, warning.at.line, warning.at.column);
    // The excerpt's first line gives the position without a column.
    const std::string excerpt =
        build::render_excerpt(warning.at.file, dockerfile_text, warning.at.line, warning.at.line);
    text += excerpt.substr(excerpt.find('\n') + 1);
  }
  return text;
}

}  // namespace consort::project
