#include "engine/image_change.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "build/exposed_ports.hpp"

namespace consort::engine {

namespace {

// The JSON form as it is, anything else through a shell.
Result<std::vector<std::string>> command_words(const std::string& text) {
  if (!text.starts_with('[')) return std::vector<std::string>{"/bin/sh", "-c", text};
  const Json array = TRY(parse_json(text, "instruction"));
  std::vector<std::string> words;
  for (const Json& word : array) {
    if (!word.is_string()) return fail(Code::invalid, "read instruction", text);
    words.push_back(word.get<std::string>());
  }
  return words;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\''))
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

void set_variable(std::vector<std::string>& variables, const std::string& key, const std::string& value) {
  std::erase_if(variables, [&](const std::string& each) { return each.starts_with(key + "="); });
  variables.push_back(key + "=" + value);
}

void add_sorted(std::vector<std::string>& list, std::string entry) {
  if (std::ranges::find(list, entry) == list.end()) list.push_back(std::move(entry));
  std::ranges::sort(list);
}

}  // namespace

Result<> apply_change(const std::string& instruction, image::ImageConfig& config) {
  const std::string line(trim(instruction));
  const std::size_t blank = line.find(' ');
  const std::string name = to_upper(line.substr(0, blank));
  const std::string rest(blank == std::string::npos ? "" : trim(line.substr(blank + 1)));
  if (rest.empty()) return fail(Code::invalid, "read --change", line);
  if (name == "CMD") {
    config.cmd = TRY(command_words(rest));
  } else if (name == "ENTRYPOINT") {
    config.entrypoint = TRY(command_words(rest));
  } else if (name == "ENV" || name == "LABEL") {
    const std::size_t separator = rest.find_first_of("= ");
    if (separator == std::string::npos) return fail(Code::invalid, "read --change", line);
    const std::string key = rest.substr(0, separator);
    const std::string value = unquoted(trim(rest.substr(separator + 1)));
    if (name == "ENV") set_variable(config.env, key, value);
    if (name == "LABEL") config.labels[unquoted(key)] = value;
  } else if (name == "EXPOSE") {
    for (const std::string& word : split(rest, ' ')) {
      if (word.empty()) continue;
      for (std::string& port : TRY(build::parse_exposed_ports(word)).ports)
        add_sorted(config.exposed_ports, std::move(port));
    }
  } else if (name == "VOLUME") {
    const auto paths = rest.starts_with('[') ? TRY(command_words(rest)) : split(rest, ' ');
    for (const std::string& path : paths)
      if (!path.empty()) add_sorted(config.volumes, path);
  } else if (name == "STOPSIGNAL") {
    config.stop_signal = rest;
  } else if (name == "USER") {
    config.user = rest;
  } else if (name == "WORKDIR") {
    config.working_dir = rest;
  } else {
    return fail(Error(Code::invalid, name + " is not a valid change command")
                    .hint("use CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR"));
  }
  return {};
}

}  // namespace consort::engine
