#include "base/settings.hpp"

#include <cerrno>
#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr const char* settings_path = "/etc/consort/consort.conf";
constexpr std::size_t max_settings = 65536;

std::unexpected<Error> bad_setting(const std::string& place, std::string why, std::string hint) {
  return fail(Error(Code::invalid, "read settings").on(place).why(std::move(why)).hint(std::move(hint)));
}

// Removes the comment: everything from a "#" that is not in quotes.
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted) return line.substr(0, i);
  }
  return line;
}

Result<> set_users(Settings& settings, std::string_view value, const std::string& place) {
  if (value == "auto")
    settings.users = Settings::Users::automatic;
  else if (value == "host")
    settings.users = Settings::Users::of_machine;
  else
    return bad_setting(place, "userns is \"" + std::string(value) + "\"", "write \"auto\" or \"host\"");
  return {};
}

Result<> set_published_ports(Settings& settings, std::string_view value, const std::string& place) {
  if (value == "open")
    settings.published_ports = Settings::PublishedPorts::open;
  else if (value == "filtered")
    settings.published_ports = Settings::PublishedPorts::filtered;
  else
    return bad_setting(place, "published_ports is \"" + std::string(value) + "\"", "write \"open\" or \"filtered\"");
  return {};
}

Result<> take_line(Settings& settings, std::string_view line, const std::string& place) {
  const std::string_view text = trim(without_comment(line));
  if (text.empty()) return {};
  const std::size_t equals = text.find('=');
  const std::string_view key = trim(text.substr(0, equals));
  const std::string_view value = equals == std::string_view::npos ? "" : trim(text.substr(equals + 1));
  if (value.size() < 2 || !value.starts_with('"') || value.find('"', 1) != value.size() - 1)
    return bad_setting(place, "not a setting", "write a setting as: userns = \"auto\"");
  const std::string_view word = value.substr(1, value.size() - 2);
  if (key == "userns") return set_users(settings, word, place);
  if (key == "published_ports") return set_published_ports(settings, word, place);
  return bad_setting(place, "there is no setting \"" + std::string(key) + "\"",
                     "the settings are: published_ports, userns");
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, const std::string& source) {
  Settings settings;
  std::size_t number = 0;
  for (const std::string& line : split(text, '\n'))
    TRY(take_line(settings, line, source + ":" + std::to_string(++number)));
  return settings;
}

Result<Settings> read_settings() {
  const char* const named = std::getenv("CONSORT_SETTINGS");
  const std::string path = named && *named ? named : settings_path;
  const Result<std::string> text = read_file(path, max_settings);
  if (!text && text.error().sys_errno() == ENOENT && path == settings_path) return Settings{};
  if (!text) return fail(errno_error(text.error().sys_errno(), "read settings", path));
  return parse_settings(*text, path);
}

}  // namespace consort
