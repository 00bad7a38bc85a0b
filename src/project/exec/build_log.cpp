#include "project/exec/build_log.hpp"

#include <fmt/format.h>

namespace consort::project {

void BuildLog::lines(const build::ProgressEvent& event, Step& step) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - step.started).count();
  step.partial += event.output;
  std::string text;
  std::size_t begin = 0;
  for (std::size_t end = step.partial.find('\n'); end != std::string::npos; end = step.partial.find('\n', begin)) {
    text +=
        fmt::format("#{} {:.3f} {}\n", event.id, seconds, std::string_view(step.partial).substr(begin, end - begin));
    begin = end + 1;
  }
  step.partial.erase(0, begin);
  if (!text.empty()) progress_.output(text);
}

void BuildLog::event(const build::ProgressEvent& event) {
  if (detail_ == Detail::quiet) return;
  Step& step = steps_[event.id];
  if (last_ != event.id && last_ != 0) progress_.output("\n");
  const bool again = last_ != event.id;
  last_ = event.id;
  if (!step.announced || again) {
    if (!step.announced) step.started = std::chrono::steady_clock::now();
    step.announced = true;
    progress_.output(fmt::format("#{} {}\n", event.id, event.text));
  }
  switch (event.state) {
    case build::StepState::started:
      break;
    case build::StepState::output:
      lines(event, step);
      break;
    case build::StepState::cached:
      progress_.output(fmt::format("#{} CACHED\n", event.id));
      break;
    case build::StepState::done:
      progress_.output(fmt::format("#{} DONE {:.1f}s\n", event.id, event.seconds));
      break;
    case build::StepState::error:
      progress_.output(fmt::format("#{} ERROR: {}\n", event.id, event.message));
      break;
    case build::StepState::canceled:
      progress_.output(fmt::format("#{} CANCELED\n", event.id));
      break;
  }
}

void BuildLog::warnings(const std::vector<build::Warning>& warnings) {
  if (warnings.empty() || detail_ == Detail::quiet) return;
  std::string text = fmt::format("\n {} warning{} found:\n", warnings.size(), warnings.size() == 1 ? "" : "s");
  for (const build::Warning& warning : warnings)
    text += fmt::format(" - {}: {} (line {})\n", warning.rule, warning.message, warning.at.line);
  progress_.output(text);
}

}  // namespace consort::project
