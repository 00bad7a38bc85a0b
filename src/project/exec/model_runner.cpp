#include "project/exec/model_runner.hpp"

#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::project {

namespace {

constexpr std::array<std::uint64_t, 3> first_with_runtime_flags{1, 0, 6};

// Parses the leading numbers of a version such as "v1.0.6-rc1".
std::array<std::uint64_t, 3> version_of(std::string_view text) {
  std::array<std::uint64_t, 3> version{};
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::vector<std::string> parts = split(text.substr(0, text.find_first_of("-+")), '.');
  for (std::size_t i = 0; i < parts.size() && i < version.size(); ++i)
    version[i] = parse_unsigned(parts[i]).value_or(0);
  return version;
}

}  // namespace

Result<ModelRunner> ModelRunner::find(const compose::StringMap& environment, const std::string& directory) {
  auto path = find_docker_plugin("model", environment);
  if (!path) path = find_in_path("docker-model", environment, directory);
  if (!path)
    return fail(Error(Code::unsupported, "'models' support requires Docker Model plugin")
                    .hint("install docker-model-plugin (Docker Model Runner), or leave out `models:`"));
  return ModelRunner(std::move(*path), environment, directory);
}

Result<std::string> ModelRunner::ask(std::vector<std::string> arguments, const Cancellation& cancel) const {
  const std::string line = "docker model " + join(arguments, " ");
  const ForeignProgram program{path_, std::move(arguments), environment_, directory_};
  ProgramOutput output = TRY(output_of(program, cancel));
  if (output.end.status.success()) return std::move(output.text);
  return fail(Error(Code::io, "`" + legible(line) + "` failed: " + end_in_words(output.end.status))
                  .hint(output.end.last_errors));
}

Result<ModelRunnerState> ModelRunner::look(const Cancellation& cancel) const {
  ModelRunnerState state;
  const std::string status = TRY(ask({"status", "--json"}, cancel));
  state.endpoint = get_string(TRY(parse_json(status, "`docker model status`")), "endpoint");
  const std::string models = TRY(ask({"ls", "--json"}, cancel));
  const Json list = TRY(parse_json(models, "`docker model ls`"));
  if (list.is_array())
    for (const Json& model : list)
      for (std::string& tag : get_strings(model, "tags")) state.models.insert(std::move(tag));
  return state;
}

Result<bool> ModelRunner::takes_runtime_flags(const Cancellation& cancel) const {
  const std::string text = TRY(ask({"docker-cli-plugin-metadata"}, cancel));
  const auto metadata = parse_json(text, "metadata");
  return metadata && version_of(get_string(*metadata, "Version")) >= first_with_runtime_flags;
}

Result<> ModelRunner::prepare(const PrepareModel& wanted, const Listener& listener, const Cancellation& cancel) const {
  const compose::Model& model = wanted.model;
  if (wanted.pull) {
    listener.status("Pulling");
    TRY(ask({"pull", model.model}, cancel));
    listener.status("Configuring");
  }
  std::vector<std::string> arguments{"configure"};
  if (model.context_size > 0) {
    arguments.emplace_back("--context-size");
    arguments.push_back(std::to_string(model.context_size));
  }
  arguments.push_back(model.model);
  if (!model.runtime_flags.empty() && TRY(takes_runtime_flags(cancel))) {
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), model.runtime_flags.begin(), model.runtime_flags.end());
  } else if (!model.runtime_flags.empty()) {
    listener.warn("the runtime_flags of model " + model.model + " are left out: Docker Model takes them from 1.0.6 on");
  }
  TRY(ask(std::move(arguments), cancel));
  return {};
}

}  // namespace consort::project
