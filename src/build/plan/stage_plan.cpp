// A stage from its first variable to its last operation, and everything that instructions share.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/suggest.hpp"
#include "build/plan/planner.hpp"
#include "image/reference.hpp"

namespace consort::build {

namespace {

constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* history_comment = "buildkit.dockerfile.v0";

}  // namespace

Result<PlannedStage> Planner::run() {
  begin();
  for (std::size_t i = 0; i < node_.steps.size(); ++i) {
    step_ = &node_.steps[i];
    step_index_ = i;
    auto done = std::visit([&](const auto& command) { return apply(command); }, step_->command);
    if (!done) {
      Error error = std::move(done).error();
      if (!error.mark()) error = std::move(error).at(mark_of(input_.graph.file, step_->range));
      return fail(std::move(error));
    }
  }
  return std::move(out_);
}

void Planner::begin() {
  config() = input_.base;
  if (node_.base == Node::Base::scratch || node_.base == Node::Base::directory) config().working_dir = "/";
  config().on_build.clear();
  if (config().platform.architecture.empty()) config().platform = node_.platform.value_or(input_.graph.platform);
  if (input_.parent) {
    out_.state = input_.parent->state;
  } else {
    config().created.clear();
  }
  const auto has_path = std::ranges::any_of(config().env, [](const auto& entry) { return entry.starts_with("PATH="); });
  if (!has_path) config().env.push_back(std::string("PATH=") + default_path);
  for (const auto& entry : config().env) {
    const auto equals = entry.find('=');
    out_.state.environment.set(entry.substr(0, equals), equals == std::string::npos ? "" : entry.substr(equals + 1));
  }
  const bool counts_base = node_.base == Node::Base::image || node_.base == Node::Base::directory;
  int total = counts_base ? 1 : 0;
  for (const auto& step : node_.steps) {
    total += std::holds_alternative<CopyCommand>(step.command) || std::holds_alternative<RunCommand>(step.command) ||
             std::holds_alternative<WorkdirCommand>(step.command);
  }
  out_.plan.total = total;
  if (node_.base != Node::Base::image) return;  // a directory is counted, but has no step
  const auto reference = image::Reference::parse(node_.image);
  out_.plan.base_title = prefix() + "FROM " + (reference ? reference->full() : node_.image);
}

std::string Planner::platform_prefix() const {
  if (input_.graph.platforms == Graph::Platforms::one) return {};
  const image::Platform& target = input_.graph.platform;
  const image::Platform own = node_.platform.value_or(target);
  const bool knows =
      std::ranges::any_of(std::array{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"},
                          [&](const char* name) { return out_.state.environment.get(name).has_value(); });
  std::string text = own.text();
  if (knows && own != target)
    text += "->" + (own.os == target.os ? target.text().substr(target.os.size() + 1) : target.text());
  return text + " ";
}

std::string Planner::prefix() {
  const int total = out_.plan.total;
  if (total == 0) return {};
  ++number_;
  std::string number = std::to_string(number_);
  const auto width = static_cast<std::size_t>(1 + std::log10(total));
  while (number.size() < width) number.insert(number.begin(), ' ');
  std::string text = "[" + platform_prefix();
  if (!node_.title.empty()) text += node_.title + " ";
  text += number + "/" + std::to_string(total) + "] ";
  if (step_ && step_->from_onbuild) text += "ONBUILD ";
  return text;
}

std::string Planner::readable(const std::string& text, Quotes quotes, Unset unset) const {
  const auto done =
      expand(text, out_.state.environment.lookup(), {.escape = input_.escape, .quotes = quotes, .unset = unset});
  return done ? done->text : text;
}

Result<Expansion> Planner::expanded(const std::string& text, const ExpandOptions& options) {
  auto result = TRY(expand(text, out_.state.environment.lookup(), options));
  report_missing(result);
  return result;
}

Result<std::string> Planner::value(const std::string& text) {
  auto result = TRY(expanded(text));
  return std::move(result.text);
}

void Planner::report_missing(const Expansion& expansion) {
  for (const auto& name : expansion.missing) {
    if (std::ranges::any_of(out_.state.args, [&](const auto& arg) { return arg.key == name; })) continue;
    const auto near = suggestion(name, out_.state.environment.names());
    checks_.add(Rule::undefined_var, step_->range,
                "Usage of undefined variable '$" + name + "'" + (near ? " (did you mean $" + *near + "?)" : ""));
  }
}

void Planner::remember(std::string created_by, Layer layer) {
  config().history.push_back({.created = {},
                              .created_by = std::move(created_by),
                              .author = {},
                              .comment = history_comment,
                              .empty_layer = layer == Layer::none});
}

Operation Planner::operation(std::string title) {
  Operation result;
  result.title = prefix() + std::move(title);
  result.number = number_;
  result.total = out_.plan.total;
  result.original = step_->original;
  result.range = step_->range;
  result.history = config().history.size();
  return result;
}

Result<PlannedStage> plan_stage(const PlanInput& input, Checks& checks) {
  return Planner(input, checks).run();
}

}  // namespace consort::build
