#include "project/exec/provider.hpp"

#include <algorithm>
#include <optional>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::project {

namespace {

constexpr std::size_t message_limit = std::size_t{1} << 20;
constexpr std::string_view blanks = " \t\r\n";

Result<std::string> find_program(const ProviderCall& call) {
  const std::string& type = call.provider.type;
  if (type.empty()) return fail(Code::invalid, "a provider needs a type: the name of its program");
  if (type == "compose") return fail(Code::invalid, "'compose' is not a valid provider type");
  if (auto plugin = find_docker_plugin(type, call.environment)) return *plugin;
  if (auto program = find_in_path(type, call.environment, call.directory)) return *program;
  return fail(Error(Code::not_found, "provider \"" + type + "\" not found: there is no Docker CLI plugin docker-" +
                                         type + " and no program " + type + " in PATH")
                  .hint("install it, or add its directory to PATH (sudo sets its own PATH)"));
}

struct Parameter {
  std::string name;
  bool required = false;
};

// The options that a program declares. If it declares none, it gets every option.
struct Metadata {
  std::optional<std::vector<Parameter>> up, down, stop;
};

std::optional<std::vector<Parameter>> parameters_of(const Json& metadata, const char* command) {
  const Json* block = find_key(metadata, command);
  if (!block || !block->is_object()) return std::nullopt;
  std::vector<Parameter> parameters;
  if (const Json* list = find_key(*block, "parameters"); list && list->is_array())
    for (const Json& each : *list) parameters.push_back({get_string(each, "name"), get_bool(each, "required")});
  return parameters;
}

bool describes_parameters(const Json& metadata, const char* command) {
  const Json* block = find_key(metadata, command);
  const Json* list = block ? find_key(*block, "parameters") : nullptr;
  return list && list->is_array();
}

Result<std::optional<Metadata>> ask_metadata(const ProviderCall& call, const std::string& path,
                                             const Cancellation& cancel) {
  const ForeignProgram program{path, {"compose", "metadata"}, call.environment, call.directory};
  const ProgramOutput output = TRY(output_of(program, cancel));
  if (!output.end.status.success()) return std::nullopt;
  const auto json = parse_json(output.text, "metadata");
  if (!json || !json->is_object()) return std::nullopt;
  const bool says_something = !get_string(*json, "description").empty() || describes_parameters(*json, "up") ||
                              describes_parameters(*json, "down");
  Metadata metadata;
  metadata.stop = parameters_of(*json, "stop");
  if (!says_something && !metadata.stop) return std::nullopt;
  if (says_something) {
    metadata.up = parameters_of(*json, "up").value_or(std::vector<Parameter>{});
    metadata.down = parameters_of(*json, "down").value_or(std::vector<Parameter>{});
  }
  return metadata;
}

Result<std::vector<std::string>> arguments_of(const ProviderCall& call,
                                              const std::optional<std::vector<Parameter>>& known) {
  std::vector<std::string> arguments{"compose", "--project-name=" + call.project, std::string(to_string(call.command))};
  if (known)
    for (const Parameter& parameter : *known)
      if (parameter.required && !call.provider.options.contains(parameter.name))
        return fail(Error(Code::invalid, "required parameter \"" + legible(parameter.name) +
                                             "\" is missing from provider \"" + call.provider.type + "\" definition")
                        .hint("write it below `options:` of the provider"));
  for (const auto& [key, values] : call.provider.options) {
    if (known && std::ranges::find(*known, key, &Parameter::name) == known->end()) continue;
    for (const std::string& value : values) arguments.push_back("--" + key + "=" + value);
  }
  arguments.push_back(call.service);
  return arguments;
}

// Reads and handles the program's messages as they arrive.
class Conversation {
 public:
  Conversation(const ProviderListener& listener, std::string program)
      : listener_(listener), program_(std::move(program)) {}

  Result<> hear(std::string_view piece) {
    return reader_.feed(piece, [this](std::string_view object) { return message(object); });
  }

  // Called after the program has ended.
  Result<ProviderAnswer> conclude(const ProgramEnd& end, const std::string& what) {
    const std::string failed = "failed to " + what;
    if (!error_.empty()) return fail(Error(Code::io, failed + ": " + error_).hint(end.last_errors));
    if (!end.status.success())
      return fail(Error(Code::io, failed + ": " + end_in_words(end.status)).hint(end.last_errors));
    if (!reader_.between_objects()) return invalid(reader_.unfinished());
    return std::move(answer_);
  }

 private:
  std::unexpected<Error> invalid(std::string_view what) const {
    constexpr std::size_t most = 200;
    return fail(Error(Code::invalid, "invalid response from provider \"" + program_ +
                                         "\": " + legible(what.substr(0, most)) + (what.size() > most ? "..." : ""))
                    .hint("a provider may write to standard output only lines like {\"type\":\"info\","
                          "\"message\":\"...\"}"));
  }

  Result<> message(std::string_view object) {
    const auto json = parse_json(object, "message");
    if (!json || !json->is_object()) return invalid(object);
    const std::string type = get_string(*json, "type");
    const std::string text = get_string(*json, "message");
    if (type == "setenv") return variable(text, answer_.variables);
    if (type == "rawsetenv") return variable(text, answer_.raw_variables);
    if (type == "info") {
      const std::string shown = legible(trim(text));
      listener_.info(shown.substr(0, shown.find('\n')));
    } else if (type == "error") {
      if (error_.empty()) error_ = legible(trim(text));
      if (error_.empty()) error_ = "it gives no reason";
    } else if (type == "debug") {
      if (listener_.debug) listener_.debug(legible(trim(text)));
    } else {
      return invalid(object);
    }
    return {};
  }

  Result<> variable(const std::string& text, compose::StringMap& into) const {
    const std::size_t equals = text.find('=');
    // An environment variable cannot have an empty name or contain a NUL byte.
    if (equals == std::string::npos || equals == 0 || text.find('\0') != std::string::npos) return invalid(text);
    into[text.substr(0, equals)] = text.substr(equals + 1);
    return {};
  }

  const ProviderListener& listener_;
  std::string program_;
  MessageReader reader_;
  ProviderAnswer answer_;
  std::string error_;
};

}  // namespace

Result<> MessageReader::feed(std::string_view piece, const std::function<Result<>(std::string_view object)>& take) {
  for (const char letter : piece) TRY(feed(letter, take));
  return {};
}

Result<> MessageReader::feed(char letter, const std::function<Result<>(std::string_view object)>& take) {
  if (object_.empty() && blanks.find(letter) != std::string_view::npos) return {};
  object_ += letter;
  if (object_.size() > message_limit) return fail(Code::invalid, "a message is longer than 1 MiB");
  if (object_.front() == '{') follow(letter);
  // Output that does not start as an object is read to the end of the line, so that the whole line can be shown.
  const bool whole = object_.front() == '{' ? depth_ == 0 : letter == '\n';
  if (!whole) return {};
  const std::string object = std::exchange(object_, {});
  return take(trim(object));
}

void MessageReader::follow(char letter) {
  if (in_string_) {
    if (!escaped_ && letter == '"') in_string_ = false;
    escaped_ = !escaped_ && letter == '\\';
  } else if (letter == '"') {
    in_string_ = true;
  } else if (letter == '{' || letter == '[') {
    ++depth_;
  } else if (letter == '}' || letter == ']') {
    --depth_;  // never below 0: at 0 the object is complete
  }
}

Result<ProviderAnswer> run_provider(const ProviderCall& call, const ProviderListener& listener,
                                    const Cancellation& cancel) {
  const std::string path = TRY(find_program(call));
  const auto metadata = TRY(ask_metadata(call, path, cancel));
  if (call.command == ProviderCommand::stop) {
    if (!metadata || !metadata->stop) return ProviderAnswer{};
    listener.stopping();
  }
  std::optional<std::vector<Parameter>> known;
  if (metadata)
    known = call.command == ProviderCommand::up     ? metadata->up
            : call.command == ProviderCommand::down ? metadata->down
                                                    : metadata->stop;
  // Not inside the braces: g++ 12 does not destroy already constructed members if a TRY in there fails.
  auto arguments = TRY(arguments_of(call, known));
  const ForeignProgram program{path, std::move(arguments), call.environment, call.directory};
  Conversation conversation(listener, call.provider.type);
  const auto take = [&](std::string_view piece) { return conversation.hear(piece); };
  const ProgramEnd end = TRY(listen_to(program, take, cancel));
  const char* what = call.command == ProviderCommand::up     ? "create"
                     : call.command == ProviderCommand::down ? "remove"
                                                             : "stop";
  return conversation.conclude(
      end, std::string(what) + " service \"" + call.service + "\" by provider \"" + call.provider.type + "\"");
}

}  // namespace consort::project
