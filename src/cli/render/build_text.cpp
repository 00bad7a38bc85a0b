#include "cli/render/build_text.hpp"

#include <fmt/format.h>

namespace consort::cli {

namespace {

// Lines of another step are shown only after the current one has been silent for this long, as in BuildKit.
constexpr std::chrono::seconds patience{5};

}  // namespace

void BuildText::add_line(Step& step, const std::string& line) {
  step.waiting += "# " + line + "\n";
}

void BuildText::show(Step& step) {
  if (current_ != &step) {
    if (current_ && !current_->ended) text_ += fmt::format("#{} ...\n", current_->number);
    if (current_) text_ += '\n';
    if (step.number == 0) step.number = ++numbers_;
    text_ += fmt::format("#{} {}\n", step.number, step.title);
    current_ = &step;
  }
  std::string_view rest = step.waiting;
  while (!rest.empty()) {
    const auto end = rest.find('\n') + 1;
    text_ += fmt::format("#{}{}", step.number, rest.substr(1, end - 1));
    rest.remove_prefix(end);
  }
  step.waiting.clear();
  shown_ = now_;
}

// Shows steps that ended while another one was being shown.
void BuildText::show_ended() {
  for (auto& [key, step] : steps_)
    if (step.ended && !step.waiting.empty()) show(step);
}

// After the end of the step that was shown: shows the other steps that have ended, then one that is still running.
void BuildText::show_waiting() {
  show_ended();
  for (auto& [key, step] : steps_) {
    if (step.ended || step.waiting.empty()) continue;
    show(step);
    return;
  }
}

std::string BuildText::step(const project::BuildStep& told, Moment now) {
  now_ = now;
  text_.clear();
  const auto [found, fresh] = steps_.try_emplace(told.id);
  Step& step = found->second;
  if (fresh) step.title = told.title;
  for (const std::string& line : told.lines) add_line(step, line);
  switch (told.state) {
    case build::StepState::started:
    case build::StepState::output:
      break;
    case build::StepState::cached:
      add_line(step, "CACHED");
      break;
    case build::StepState::done:
      add_line(step, fmt::format("DONE {:.1f}s", told.seconds));
      break;
    case build::StepState::error:
      add_line(step, "ERROR: " + told.message);
      break;
    case build::StepState::canceled:
      add_line(step, "CANCELED");
      break;
  }
  step.ended = told.ended();
  const bool free = !current_ || current_ == &step || current_->ended || now - shown_ > patience;
  if (!free) return {};
  if (current_ != &step) show_ended();
  // The step may be among those that have ended.
  if (step.number == 0 || !step.waiting.empty()) show(step);
  if (step.ended) show_waiting();
  return std::move(text_);
}

}  // namespace consort::cli
