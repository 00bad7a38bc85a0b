#include "serve/api/images/build_lines.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"

namespace consort::serve {

namespace {

using Kind = build::PlannedInstruction::Kind;

constexpr std::size_t short_id = 12;

// "[web 2/5] RUN make" -> "RUN make"
std::string instruction_of(const std::string& title) {
  const std::size_t end = title.find("] ");
  return title.starts_with('[') && end != std::string::npos ? title.substr(end + 2) : title;
}

// A program's output need not be text.
std::string as_text(const std::string& bytes) {
  const Json value = bytes;
  return parse_json(value.dump(-1, ' ', false, Json::error_handler_t::replace), "output")
      .value_or(Json(""))
      .get<std::string>();
}

std::string digits(const std::string& id) {
  return (id.starts_with("sha256:") ? id.substr(7) : id).substr(0, short_id);
}

}  // namespace

Result<> BuildLines::say(const std::string& text) {
  return (*line_)({{"stream", text}});
}

Result<> BuildLines::say_warnings() {
  for (const std::string& text : std::exchange(warnings_, {})) TRY(say(" ---> [Warning] " + text + "\n"));
  return {};
}

bool BuildLines::warn(const std::string& text) {
  if (options_.quiet == Options::Quiet::yes) return true;
  warnings_.push_back(text);
  return !begun_ || say_warnings().has_value();
}

void BuildLines::begin(const std::vector<build::PlannedInstruction>& outline) {
  if (!rows_.empty()) return;  // of a further platform
  std::string before;
  for (const build::PlannedInstruction& instruction : outline) {
    Row row{.what = instruction};
    if (instruction.kind == Kind::from) {
      const bool scratch = instruction.base.empty();
      // A stage based on another one continues where that ended; nobody can refer to either.
      before = scratch ? sha256_hex(instruction.text) : instruction.base;
      row.id = scratch ? "" : digits(before);
    } else if (instruction.kind != Kind::before_stages) {
      before = sha256_hex(before + '\0' + instruction.text);
      row.id = digits(before);
    }
    row.container = digits(sha256_hex("container of " + row.id));
    rows_.push_back(std::move(row));
  }
}

BuildLines::Row* BuildLines::row_of(const build::ProgressEvent& event) {
  if (event.number == 0) return nullptr;  // steps that no file has
  const auto found = std::ranges::find_if(
      rows_, [&](const Row& row) { return row.what.stage == event.stage && row.what.number == event.number; });
  return found == rows_.end() ? nullptr : &*found;
}

bool BuildLines::tell(const build::ProgressEvent& event) {
  Row* const row = options_.quiet == Options::Quiet::yes ? nullptr : row_of(event);
  if (row == nullptr) return true;
  using enum build::StepState;
  switch (event.state) {
    case started:
      return true;
    case output:
      row->state = Row::State::runs;
      // The classic builder shows errors in red, terminal or not.
      row->output.push_back(event.from_stderr ? "\x1b[91m" + as_text(event.output) + "\x1b[0m" : as_text(event.output));
      break;
    case cached:
      row->state = Row::State::cached;
      break;
    case done:
      row->state = Row::State::done;
      break;
    case error:
    case canceled:
      row->state = Row::State::runs;
      break;
  }
  return advance().has_value();
}

// The following steps were built on it, or were found where it led to.
BuildLines::Row::State BuildLines::state_of(std::size_t index) const {
  const Row& row = rows_[index];
  if (row.what.kind == Kind::before_stages || row.what.kind == Kind::from) return Row::State::done;
  if (row.what.number != 0) return row.state;
  std::size_t next = index + 1;
  while (next < rows_.size() && rows_[next].what.kind != Kind::from && rows_[next].what.number == 0) ++next;
  if (next == rows_.size()) return last_settings_.value_or(Row::State::waits);
  if (rows_[next].what.kind != Kind::from)
    return rows_[next].state == Row::State::runs ? Row::State::done : rows_[next].state;
  std::size_t before = index;
  while (before > 0 && rows_[before].what.number == 0 && rows_[before].what.kind == Kind::settings) --before;
  return rows_[before].what.kind == Kind::from ? Row::State::cached : rows_[before].state;
}

// Copying files takes no container.
bool BuildLines::has_container(const Row& row) const {
  return row.what.kind == Kind::run || row.what.kind == Kind::settings;
}

Result<> BuildLines::announce(std::size_t index) {
  Row& row = rows_[index];
  if (std::exchange(row.announced, true)) return {};
  TRY(say("Step " + std::to_string(index + 1) + "/" + std::to_string(rows_.size()) + " : " + row.what.text));
  TRY(say("\n"));
  begun_ = true;
  TRY(say_warnings());
  if (row.what.kind == Kind::from || row.what.kind == Kind::before_stages) return {};
  if (state_of(index) == Row::State::cached) return say(" ---> Using cache\n");
  return has_container(row) ? say(" ---> Running in " + row.container + "\n") : Result<>();
}

Result<bool> BuildLines::show(std::size_t index) {
  const Row::State state = state_of(index);
  if (state == Row::State::waits) return false;
  TRY(announce(index));
  Row& row = rows_[index];
  for (const std::string& text : std::exchange(row.output, {})) TRY(say(text));
  if (state == Row::State::runs) return false;
  if (index + 1 == rows_.size() && !last_settings_) return false;  // the last one is the image, which is not made yet
  const bool settled = row.what.kind == Kind::from || row.what.kind == Kind::before_stages;
  if (!settled && state == Row::State::done && has_container(row) && options_.containers == Options::Containers::remove)
    TRY(say(" ---> Removed intermediate container " + row.container + "\n"));
  if (row.what.kind != Kind::before_stages) TRY(say(" ---> " + row.id + "\n"));
  return true;
}

Result<> BuildLines::advance() {
  while (next_ < rows_.size() && TRY(show(next_))) ++next_;
  return {};
}

Result<> BuildLines::failed(const Error& error, const std::string& step, int exit_code) {
  if (exit_code == 0) {
    const std::string message = error.message();
    return (*line_)({{"errorDetail", {{"message", message}}}, {"error", message}});
  }
  std::string command = instruction_of(step);
  if (command.starts_with("RUN ")) command.erase(0, 4);
  if (!command.starts_with('[')) command = "/bin/sh -c " + command;
  const std::string message = "The command '" + command + "' returned a non-zero code: " + std::to_string(exit_code);
  return (*line_)({{"errorDetail", {{"code", exit_code}, {"message", message}}}, {"error", message}});
}

Result<> BuildLines::succeeded(const std::string& image_id, Before before, const std::vector<std::string>& names) {
  if (options_.quiet == Options::Quiet::yes) return say(image_id + "\n");
  last_settings_ = before == Before::known ? Row::State::cached : Row::State::done;
  if (!rows_.empty()) rows_.back().id = digits(image_id);
  TRY(advance());
  TRY((*line_)({{"aux", {{"ID", image_id}}}}));
  if (!unused_.empty()) TRY(say("[Warning] One or more build-args [" + join(unused_, " ") + "] were not consumed\n"));
  TRY(say("Successfully built " + digits(image_id) + "\n"));
  for (const std::string& name : names) {
    const auto reference = image::Reference::parse(name);
    TRY(say("Successfully tagged " + (reference ? reference->familiar() : name) + "\n"));
  }
  return {};
}

}  // namespace consort::serve
