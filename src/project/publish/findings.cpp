#include "project/publish/findings.hpp"

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace consort::project {

namespace {

constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view base64url = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

std::size_t run_of(std::string_view text, std::string_view characters) {
  return std::min(text.find_first_not_of(characters), text.size());
}

// True if the text contains a word that consists of this prefix and at least `length` of these characters.
bool has_word(std::string_view text, std::string_view prefix, std::string_view characters, std::size_t length) {
  for (std::size_t at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
    const bool begins = at == 0 || letters.find(text[at - 1]) == std::string_view::npos;
    if (begins && run_of(text.substr(at + prefix.size()), characters) >= length) return true;
  }
  return false;
}

bool has_any_word(std::string_view text, std::span<const std::string_view> prefixes, std::string_view characters,
                  std::size_t length) {
  return std::ranges::any_of(prefixes,
                             [&](std::string_view prefix) { return has_word(text, prefix, characters, length); });
}

// Matches a JSON Web Token: three base64url parts joined by dots, the first two of which are JSON.
bool has_web_token(std::string_view text) {
  for (std::size_t at = text.find("eyJ"); at != std::string_view::npos; at = text.find("eyJ", at + 1)) {
    std::string_view rest = text.substr(at);
    const std::size_t header = run_of(rest, base64url);
    if (header >= rest.size() || rest[header] != '.') continue;
    rest.remove_prefix(header + 1);
    const std::size_t payload = run_of(rest, base64url);
    if (rest.starts_with("eyJ") && payload < rest.size() && rest[payload] == '.' &&
        run_of(rest.substr(payload + 1), base64url) > 0)
      return true;
  }
  return false;
}

// scheme://user:password@host
bool has_password_in_address(std::string_view text) {
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 1)) {
    const std::string_view rest = text.substr(at + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/ \t\n\"'"));
    const std::size_t end = authority.rfind('@');
    if (end == std::string_view::npos) continue;
    const std::string_view login = authority.substr(0, end);
    const std::size_t colon = login.find(':');
    if (colon != std::string_view::npos && colon + 1 < login.size() && login.find("${") == std::string_view::npos)
      return true;
  }
  return false;
}

}  // namespace

std::string kind_of_secret(std::string_view text) {
  constexpr std::array<std::string_view, 8> aws{"AKIA", "AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA", "ASIA"};
  constexpr std::array<std::string_view, 5> github{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"};
  constexpr std::size_t aws_length = 16, github_length = 36;
  if (has_any_word(text, aws, upper, aws_length) || has_word(text, "A3T", upper, aws_length + 1))
    return "AWS Client ID";
  if (has_any_word(text, github, letters, github_length) || has_word(text, "github_pat_", base64url, github_length))
    return "Github authentication";
  if (has_web_token(text)) return "JSON Web Token";
  if (text.find("-----BEGIN ") != std::string_view::npos && text.find("PRIVATE KEY-----") != std::string_view::npos)
    return "Private Key";
  if (has_word(text, "xoxb-", base64url, 10) || has_word(text, "xoxp-", base64url, 10)) return "Slack token";
  if (has_word(text, "sk_live_", letters, github_length - 12)) return "Stripe key";
  if (has_word(text, "AIza", base64url, 35)) return "Google API key";
  if (has_password_in_address(text)) return "URL with password";
  return {};
}

bool names_a_secret(std::string_view variable) {
  const std::string name = to_lower(variable);
  constexpr std::string_view words[] = {"password",   "passwd",      "secret",     "token",     "api_key", "apikey",
                                        "access_key", "private_key", "credential", "client_id", "auth_key"};
  // NAME_FILE is the path of a secret, not the secret.
  return !name.ends_with("_file") &&
         std::ranges::any_of(words, [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

std::vector<SensitiveValue> sensitive_values(const compose::Project& project, const FileTexts& texts) {
  std::vector<SensitiveValue> found;
  std::vector<SensitiveValue> by_name;  // less certain, so these come last
  const auto look = [&](const std::string& variable, const std::string& place, const std::string& value) {
    if (value.empty()) return;
    std::string kind = kind_of_secret(value);
    if (kind.empty() && to_lower(variable).find("aws_secret") != std::string::npos) kind = "AWS Secret Key";
    if (!kind.empty())
      found.push_back({kind, place, value});
    else if (names_a_secret(variable))
      by_name.push_back({"Password or token by its name", place, value});
  };
  for (const auto& [name, service] : project.services)
    for (const auto& [key, value] : service.environment)
      look(key, "services." + name + ".environment." + key, value.value_or(""));
  for (const auto& [name, config] : project.configs)
    if (const std::string kind = kind_of_secret(config.content); !kind.empty())
      found.push_back({kind, "configs." + name + ".content", config.content});
  for (const std::string& text : texts.env_files)
    for (const std::string& line : split(text, '\n'))
      if (const std::size_t equals = line.find('='); equals != std::string::npos && !line.starts_with('#')) {
        const std::string key(trim(line.substr(0, equals)));
        look(key, key, std::string(trim(line.substr(equals + 1))));
      }
  for (const std::string& text : texts.others)
    if (const std::string kind = kind_of_secret(text); !kind.empty())
      found.push_back({kind, "", std::string(trim(text))});
  found.insert(found.end(), by_name.begin(), by_name.end());
  return found;
}

std::vector<std::string> services_only_built(const compose::Project& project) {
  std::vector<std::string> names;
  for (const auto& [name, service] : project.services)
    if (service.build && service.image.empty()) names.push_back(name);
  return names;
}

std::map<std::string, std::vector<compose::Mount>> host_binds(const compose::Project& project) {
  std::map<std::string, std::vector<compose::Mount>> binds;
  for (const auto& [name, service] : project.services)
    for (const compose::Mount& mount : service.volumes)
      if (mount.type == compose::MountType::bind) binds[name].push_back(mount);
  return binds;
}

}  // namespace consort::project
