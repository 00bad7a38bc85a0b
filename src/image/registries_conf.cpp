#include "image/internal/registries_conf.hpp"

#include <dirent.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/os/file.hpp"

// toml++ 3.3 takes some things for granted that a file need not keep ("[/" is enough; found by fuzzing): undefined
// behaviour in a release build, the end of the program in others. Here they are looked at, and end the parsing.
namespace {
struct BrokenAssumption {};
constexpr void assume(bool holds) {
  if (!holds) throw BrokenAssumption{};
}
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(...) ::assume(static_cast<bool>(__VA_ARGS__))
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace consort::image {

namespace {

constexpr std::size_t max_file = 4 << 20;

using Place = RegistryRule::Place;

Error bad(const std::string& source, std::string why) {
  return Error(Code::invalid, "read").on(source).why(std::move(why));
}

Result<std::string> text_of(const toml::table& table, const char* key, const std::string& source) {
  const auto* node = table.get(key);
  if (!node) return std::string();
  const auto value = node->value<std::string>();
  if (!node->is_string() || !value) return fail(bad(source, std::string(key) + " must be a string"));
  return *value;
}

Result<bool> flag_of(const toml::table& table, const char* key, const std::string& source) {
  const auto* node = table.get(key);
  if (!node) return false;
  if (!node->is_boolean()) return fail(bad(source, std::string(key) + " must be true or false"));
  return node->value<bool>().value_or(false);
}

Result<Place> mirror_of(const toml::table& table, bool digests_only, const std::string& source) {
  Place place;
  place.location = TRY(text_of(table, "location", source));
  if (place.location.empty()) return fail(bad(source, "a mirror needs a location"));
  place.insecure = TRY(flag_of(table, "insecure", source));
  const std::string use = TRY(text_of(table, "pull-from-mirror", source));
  if (use == "digest-only" || digests_only)
    place.use = Place::For::digests;
  else if (use == "tag-only")
    place.use = Place::For::tags;
  else if (!use.empty() && use != "all")
    return fail(bad(source, "pull-from-mirror must be all, digest-only or tag-only, not \"" + use + "\""));
  return place;
}

Result<RegistryRule> rule_of(const toml::table& table, const std::string& source) {
  RegistryRule rule;
  rule.prefix = TRY(text_of(table, "prefix", source));
  rule.place.location = TRY(text_of(table, "location", source));
  if (rule.prefix.empty()) rule.prefix = rule.place.location;
  if (rule.prefix.empty()) return fail(bad(source, "a registry needs a location or a prefix"));
  if (rule.place.location.empty() && !rule.prefix.starts_with("*.")) rule.place.location = rule.prefix;
  rule.place.insecure = TRY(flag_of(table, "insecure", source));
  rule.blocked = TRY(flag_of(table, "blocked", source));
  const bool digests_only = TRY(flag_of(table, "mirror-by-digest-only", source));
  if (const auto* mirrors = table.get_as<toml::array>("mirror")) {
    for (const auto& node : *mirrors) {
      const auto* mirror = node.as_table();
      if (!mirror) return fail(bad(source, "mirror must be a table: [[registry.mirror]]"));
      rule.mirrors.push_back(TRY(mirror_of(*mirror, digests_only, source)));
    }
  }
  return rule;
}

// How many characters of the name the prefix covers; npos if it does not apply.
std::size_t covers(const std::string& prefix, const std::string& name) {
  if (prefix.starts_with("*.")) {
    const std::size_t host_end = std::min(name.find_first_of(":/"), name.size());
    const std::string_view suffix = std::string_view(prefix).substr(1);
    return std::string_view(name).substr(0, host_end).ends_with(suffix) ? host_end : std::string::npos;
  }
  if (!name.starts_with(prefix)) return std::string::npos;
  const bool boundary = name.size() == prefix.size() || name[prefix.size()] == '/' || prefix.ends_with('/');
  return boundary ? prefix.size() : std::string::npos;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

std::vector<std::string> conf_files(const std::string& directory) {
  std::vector<std::string> files;
  const std::unique_ptr<DIR, DirCloser> stream(::opendir(directory.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr)
    if (std::string_view(entry->d_name).ends_with(".conf")) files.push_back(directory + "/" + entry->d_name);
  std::ranges::sort(files);
  return files;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket))
    host = host.substr(0, colon);
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

Result<RegistriesConf> RegistriesConf::load(const std::string& file) {
  RegistriesConf conf;
  const std::string named = file.empty() ? environment("CONTAINERS_REGISTRIES_CONF") : file;
  if (!named.empty()) {
    TRY(conf.add(TRY(read_file(named, max_file)), named));
    return conf;
  }
  const std::string home = environment("HOME");
  const std::vector<std::string> folders{home.empty() ? "" : home + "/.config/containers", "/etc/containers"};
  for (const std::string& folder : folders) {
    const std::string path = folder + "/registries.conf";
    if (folder.empty() || !path_exists(path)) continue;
    TRY(conf.add(TRY(read_file(path, max_file)), path));
    break;
  }
  for (const std::string& folder : {folders[1], folders[0]}) {
    if (folder.empty()) continue;
    for (const std::string& path : conf_files(folder + "/registries.conf.d"))
      TRY(conf.add(TRY(read_file(path, max_file)), path));
  }
  return conf;
}

namespace {

Result<toml::parse_result> parse_toml(std::string_view text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const BrokenAssumption&) {
    return fail(bad(source, "it is not TOML: a name is expected, as in [[registry]] or location = \"...\""));
  }
}

}  // namespace

Result<> RegistriesConf::add(std::string_view text, const std::string& source) {
  const toml::parse_result parsed = TRY(parse_toml(text, source));
  if (!parsed) {
    const auto begin = parsed.error().source().begin;
    Error error = bad(source, std::string(parsed.error().description()));
    error.data().at = Mark{source, begin.line, begin.column, 0};
    return fail(std::move(error));
  }
  const toml::table& root = parsed.table();
  const auto* registries = root.get("registry");
  if (!registries) return {};
  if (!registries->is_array()) return fail(bad(source, "registry must be a list of tables: [[registry]]"));
  for (const auto& node : *registries->as_array()) {
    const auto* table = node.as_table();
    if (!table) return fail(bad(source, "registry must be a list of tables: [[registry]]"));
    RegistryRule rule = TRY(rule_of(*table, source));
    std::erase_if(rules_, [&](const RegistryRule& old) { return old.prefix == rule.prefix; });
    rules_.push_back(std::move(rule));
  }
  return {};
}

void RegistriesConf::add_insecure(const std::string& host) {
  insecure_.push_back(host);
}

bool RegistriesConf::is_insecure(const std::string& host) const {
  if (is_loopback_host(host)) return true;
  if (std::ranges::find(insecure_, host) != insecure_.end()) return true;
  return std::ranges::any_of(rules_, [&](const RegistryRule& rule) {
    return rule.place.insecure && (rule.place.location == host || rule.prefix == host);
  });
}

const RegistryRule* RegistriesConf::rule_for(const std::string& name) const {
  const RegistryRule* best = nullptr;
  for (const RegistryRule& rule : rules_) {
    if (covers(rule.prefix, name) == std::string::npos) continue;
    if (!best || rule.prefix.size() > best->prefix.size()) best = &rule;
  }
  return best;
}

Location RegistriesConf::locate(const Place& place, std::size_t matched, const Reference& reference) const {
  const std::string name = reference.name();
  const std::string full = place.location.empty() ? name : place.location + name.substr(matched);
  const std::size_t slash = std::min(full.find('/'), full.size());
  Location location;
  location.host = full.substr(0, slash);
  location.repository = slash < full.size() ? full.substr(slash + 1) : "";
  location.insecure = place.insecure || is_insecure(location.host);
  if (location.host == "docker.io") location.host = "registry-1.docker.io";
  return location;
}

Result<Location> RegistriesConf::origin(const Reference& reference) const {
  const RegistryRule* rule = rule_for(reference.name());
  if (!rule) return locate({}, 0, reference);
  if (rule->blocked)
    return fail(Error(Code::denied, "use registry").on(rule->prefix).why("it is blocked in registries.conf"));
  return locate(rule->place, covers(rule->prefix, reference.name()), reference);
}

Result<std::vector<Location>> RegistriesConf::locations(const Reference& reference) const {
  std::vector<Location> found;
  if (const RegistryRule* rule = rule_for(reference.name()); rule && !rule->blocked) {
    for (const Place& mirror : rule->mirrors) {
      const bool by_digest = reference.digest.has_value();
      if (mirror.use == (by_digest ? Place::For::tags : Place::For::digests)) continue;
      found.push_back(locate(mirror, covers(rule->prefix, reference.name()), reference));
      found.back().mirror = true;
    }
  }
  found.push_back(TRY(origin(reference)));
  return found;
}

}  // namespace consort::image
