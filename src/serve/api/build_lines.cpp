#include "serve/api/build_lines.hpp"

#include "engine/images.hpp"

namespace consort::serve {

namespace {

// "[web 2/5] RUN make" -> "RUN make"
std::string instruction_of(const std::string& title) {
  const std::size_t end = title.find("] ");
  return title.starts_with('[') && end != std::string::npos ? title.substr(end + 2) : title;
}

// What a program has written need not be text.
std::string as_text(const std::string& bytes) {
  const Json value = bytes;
  return parse_json(value.dump(-1, ' ', false, Json::error_handler_t::replace), "output")
      .value_or(Json(""))
      .get<std::string>();
}

}  // namespace

Result<> BuildLines::say(const std::string& text) {
  return (*line_)({{"stream", text}});
}

bool BuildLines::tell(const build::ProgressEvent& event) {
  if (quiet_ == Quiet::yes || event.number == 0) return true;  // steps that no file has
  const auto send = [&]() -> Result<> {
    if (announced_.insert(event.id).second) {
      TRY(say("Step " + std::to_string(event.number) + "/" + std::to_string(event.total) + " : " +
              instruction_of(event.text)));
      TRY(say("\n"));
    }
    const bool begins = instruction_of(event.text).starts_with("FROM ");  // an image is no step's result
    if (event.state == build::StepState::cached && !begins) return say(" ---> Using cache\n");
    // The classic builder shows errors in red, terminal or not.
    if (event.state == build::StepState::output)
      return say(event.from_stderr ? "\x1b[91m" + as_text(event.output) + "\x1b[0m" : as_text(event.output));
    return {};
  };
  return send().has_value();
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

Result<> BuildLines::succeeded(const std::string& image_id, const std::vector<std::string>& names) {
  if (quiet_ == Quiet::yes) return say(image_id + "\n");
  TRY((*line_)({{"aux", {{"ID", image_id}}}}));
  TRY(say("Successfully built " + image_id.substr(7, 12) + "\n"));
  for (const std::string& name : names) {
    const auto reference = image::Reference::parse(name);
    TRY(say("Successfully tagged " + (reference ? reference->familiar() : name) + "\n"));
  }
  return {};
}

}  // namespace consort::serve
