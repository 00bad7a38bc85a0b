#include "project/exec/build_log.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "build/failure.hpp"

namespace consort::project {

namespace {

constexpr std::size_t tail_lines = 10;
// Another step's lines come in between only if the one being shown has been silent for so long.
constexpr std::chrono::milliseconds patience{500};
constexpr const char* ruler = "------\n";

}  // namespace

std::string BuildLog::title_of(const std::string& service, const std::string& title) const {
  if (builds_ == Builds::one) return title;
  return title.starts_with('[') ? "[" + service + " " + title.substr(1) : "[" + service + "] " + title;
}

void BuildLog::add_line(Step& step, std::string line) {
  step.waiting += "# " + line + "\n";
}

void BuildLog::add_output(Step& step, const std::string& output, Flush flush) {
  const double seconds = std::chrono::duration<double>(Clock::now() - step.started).count();
  step.partial += output;
  if (flush == Flush::all && !step.partial.empty() && !step.partial.ends_with('\n')) step.partial += '\n';
  std::size_t begin = 0;
  for (std::size_t end = step.partial.find('\n'); end != std::string::npos; end = step.partial.find('\n', begin)) {
    std::string line(std::string_view(step.partial).substr(begin, end - begin));
    if (!step.internal) line = fmt::format("{:.3f} {}", seconds, line);
    if (step.tail.size() == tail_lines) step.tail.pop_front();
    step.tail.push_back(line);
    add_line(step, std::move(line));
    begin = end + 1;
  }
  step.partial.erase(0, begin);
}

void BuildLog::show(Step& step) {
  std::string text;
  if (current_ != &step) {
    if (current_ && !current_->ended) text += fmt::format("#{} ...\n", current_->number);
    if (current_) text += '\n';
    if (step.number == 0) step.number = ++numbers_;
    text += fmt::format("#{} {}\n", step.number, step.title);
    current_ = &step;
  }
  std::string_view rest = step.waiting;
  while (!rest.empty()) {
    const auto end = rest.find('\n') + 1;
    text += fmt::format("#{}{}", step.number, rest.substr(1, end - 1));
    rest.remove_prefix(end);
  }
  step.waiting.clear();
  shown_ = Clock::now();
  progress_.output(text);
}

// What has ended while another step was shown.
void BuildLog::show_ended() {
  for (auto& [key, step] : steps_)
    if (step.ended && !step.waiting.empty()) show(step);
}

// The one that was shown has ended: first those that have ended too, then one that goes on.
void BuildLog::show_waiting() {
  show_ended();
  for (auto& [key, step] : steps_) {
    if (step.ended || step.waiting.empty()) continue;
    show(step);
    return;
  }
}

void BuildLog::event(const std::string& service, const build::ProgressEvent& event) {
  const std::scoped_lock lock(mutex_);
  const auto [found, fresh] = steps_.try_emplace({service, event.id});
  Step& step = found->second;
  if (fresh) step.title = title_of(service, event.text);
  step.internal = event.number == 0;
  switch (event.state) {
    case build::StepState::started:
      break;
    case build::StepState::output:
      add_output(step, event.output, Flush::whole_lines);
      break;
    case build::StepState::cached:
      add_line(step, "CACHED");
      break;
    case build::StepState::done:
      add_output(step, "", Flush::all);
      add_line(step, fmt::format("DONE {:.1f}s", event.seconds));
      break;
    case build::StepState::error:
      add_output(step, "", Flush::all);
      add_line(step, "ERROR: " + event.message);
      break;
    case build::StepState::canceled:
      add_line(step, "CANCELED");
      break;
  }
  step.ended = event.state != build::StepState::started && event.state != build::StepState::output;
  if (detail_ == Detail::quiet) return;
  const bool free = !current_ || current_ == &step || current_->ended || Clock::now() - shown_ > patience;
  if (!free) return;
  if (current_ != &step) show_ended();
  if (current_ != &step || !step.waiting.empty()) show(step);
  if (step.ended) show_waiting();
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
    // Its first line says the place without the column.
    const std::string excerpt =
        build::render_excerpt(warning.at.file, dockerfile_text, warning.at.line, warning.at.line);
    text += excerpt.substr(excerpt.find('\n') + 1);
  }
  return text;
}

}  // namespace consort::project
