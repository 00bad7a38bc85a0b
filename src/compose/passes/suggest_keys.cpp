// Help for keys that are unknown in their place, or missing.
#include "compose/passes/suggest.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::compose {

namespace {

void collect(std::string_view key, const Shape& shape, const std::string& path, int depth,
             std::vector<std::string>& found) {
  if (depth > 8) return;
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const Field& field : shape.fields) {
    if (told_of_service(shape, field)) continue;
    if (field.key == key) found.push_back(prefix + std::string(field.key));
    collect(key, *field.shape, prefix + std::string(field.key), depth + 1, found);
  }
  if (shape.item) collect(key, *shape.item, path + "[]", depth + 1, found);
  if (shape.value) collect(key, *shape.value, prefix + "*", depth + 1, found);
}

// Keys that users know from other tools or older files. One with a dot is mentioned, but no fix is offered.
struct Alias {
  std::string_view wrong;  // in lower case, `_` for `-`
  std::string_view right;
};
constexpr Alias aliases[] = {
    {"arg", "args"},
    {"args", "command"},
    {"arguments", "command"},
    {"cmd", "command"},
    {"config", "configs"},
    {"container", "container_name"},
    {"container", "target"},
    {"container_port", "target"},
    {"containername", "container_name"},
    {"containerport", "target"},
    {"cpu", "cpus"},
    {"depend_on", "depends_on"},
    {"dependencies", "depends_on"},
    {"depends", "depends_on"},
    {"dependson", "depends_on"},
    {"dest", "target"},
    {"destination", "target"},
    {"dst", "target"},
    {"e", "environment"},
    {"entry_point", "entrypoint"},
    {"env", "environment"},
    {"env_files", "env_file"},
    {"env_var", "environment"},
    {"env_vars", "environment"},
    {"envfile", "env_file"},
    {"environments", "environment"},
    {"envs", "environment"},
    {"file", "dockerfile"},
    {"file", "path"},
    {"health", "healthcheck"},
    {"health_check", "healthcheck"},
    {"health_cmd", "healthcheck.test"},
    {"host", "published"},
    {"host_port", "published"},
    {"hostport", "published"},
    {"imagepullpolicy", "pull_policy"},
    {"img", "image"},
    {"interactive", "stdin_open"},
    {"link", "links"},
    {"links_to", "links"},
    {"livenessprobe", "healthcheck"},
    {"log", "logging"},
    {"log_driver", "logging.driver"},
    {"log_opt", "logging.options"},
    {"log_opts", "logging.options"},
    {"logs", "logging"},
    {"mem", "mem_limit"},
    {"memory", "mem_limit"},
    {"mount", "volumes"},
    {"mountpath", "target"},
    {"mounts", "volumes"},
    {"name", "container_name"},
    {"net", "network_mode"},
    {"network", "networks"},
    {"p", "ports"},
    {"path", "context"},
    {"path", "target"},
    {"port", "ports"},
    {"ports", "published"},
    {"publish", "ports"},
    {"publish", "published"},
    {"ram", "mem_limit"},
    {"readinessprobe", "healthcheck"},
    {"readonly", "read_only"},
    {"replicas", "deploy.replicas"},
    {"require", "required"},
    {"restart_policy", "restart"},
    {"restartpolicy", "restart"},
    {"run", "command"},
    {"secret", "secrets"},
    {"service", "services"},
    {"src", "source"},
    {"stop_timeout", "stop_grace_period"},
    {"tag", "image"},
    {"user_id", "user"},
    {"v", "volumes"},
    {"volume", "volumes"},
    {"volume_mounts", "volumes"},
    {"volumemounts", "volumes"},
    {"w", "working_dir"},
    {"work_dir", "working_dir"},
    {"workdir", "working_dir"},
    {"command", "test"},
    {"cmd", "test"},
    {"kind", "type"},
};

// Options of `docker run` that a Compose file does not need, and the reason.
constexpr Alias dropped_options[] = {
    {"rm", "`down` removes the containers; leave it out"},
    {"d", "`up -d` starts in the background; leave it out"},
    {"detach", "`up -d` starts in the background; leave it out"},
    {"it", "write `stdin_open: true` and `tty: true`"},
    {"i", "write `stdin_open: true`"},
    {"t", "write `tty: true`"},
    {"volume_driver", "write `driver:` below the volume's name under the top-level `volumes:`"},
};

std::string normalized_key(std::string_view key) {
  while (key.starts_with('-')) key.remove_prefix(1);
  return to_lower(replace_all(std::string(key), "-", "_"));
}

std::optional<std::string_view> alias_of(std::string_view key, const Shape& shape) {
  const std::string wanted = normalized_key(key);
  for (const Alias& alias : aliases) {
    const std::string_view first = alias.right.substr(0, alias.right.find('.'));
    if (alias.wrong == wanted && shape.find(first)) return alias.right;
  }
  return std::nullopt;
}

}  // namespace

bool known_alias(std::string_view key, const Shape& shape) {
  const std::string wanted = normalized_key(key);
  return alias_of(key, shape) || std::ranges::count(dropped_options, wanted, &Alias::wrong);
}

std::vector<std::string> places_of_key(std::string_view key, std::size_t limit) {
  std::vector<std::string> found;
  collect(key, root_shape(), "", 0, found);
  std::ranges::stable_sort(found, {}, [](const std::string& path) { return std::ranges::count(path, '.'); });
  if (found.size() > limit) found.resize(limit);
  return found;
}

namespace {

// The key of the shape that was most likely meant.
struct Guess {
  std::string key;
  Certainty certainty = Certainty::guess;
};

std::optional<Guess> guess_key(const Entry& entry, const Shape& shape, bool valid_elsewhere) {
  const std::string lower = normalized_key(entry.key);
  if (shape.find(lower)) return Guess{lower, Certainty::certain};
  std::vector<std::string> known;
  for (const Field& field : shape.fields) known.emplace_back(field.key);
  if (lower == "network" && shape.find("network_mode") && entry.value.is_scalar()) return Guess{"network_mode"};
  if (const auto near = nearest(lower, known)) {
    // A valid word in the wrong place is not a typo for a similar one.
    const bool misprint = !valid_elsewhere || near->front() == lower.front();
    const bool sure = near->size() > 4 && lower.size() + 2 > near->size();
    if (misprint && !alias_of(entry.key, shape)) return Guess{*near, sure ? Certainty::certain : Certainty::guess};
  }
  if (const auto alias = alias_of(entry.key, shape)) return Guess{std::string(*alias)};
  return std::nullopt;
}

// `image:"nginx"` in a flow mapping, `./html: /srv` in a list of mounts: a space too few or too many makes it a key.
bool explain_colon(Diagnostic& made, const Node& parent, const Entry& entry, const Shape& shape, const Path& path,
                   Reporter& reporter) {
  const std::size_t colon = entry.key.find(':');
  if (colon != std::string::npos && shape.find(entry.key.substr(0, colon)) && entry.value.is_null()) {
    const std::string right = entry.key.substr(0, colon) + ": " + entry.key.substr(colon + 1);
    made.help = "a space is missing after the colon: write `" + right + "`";
    made.fixes.push_back(Fix{"add the space", Certainty::certain, {reporter.edit(entry.place, right)}});
    return true;
  }
  const bool item = path.size() > 0 && parse_unsigned(path[path.size() - 1]).has_value();
  if (!item || !(shape.types & type::string) || parent.entries.size() != 1 || !entry.value.is_scalar()) return false;
  const Place end = entry.value.place;
  if (end.line != entry.place.line || end.length == 0 ||
      entry.key.find_first_of("/.~0123456789") == std::string::npos) {
    return false;
  }
  const std::string right = "\"" + entry.key + ":" + entry.value.scalar_text() + "\"";
  Place whole = entry.place;
  whole.length = end.column + end.length - whole.column;
  made.label = "the space after `:` makes this a mapping";
  made.help = "write " + right + ", without the space";
  made.fixes.push_back(Fix{"remove the space", Certainty::certain, {reporter.edit(whole, right)}});
  return true;
}

}  // namespace

void explain_unknown_key(Diagnostic& made, const Node& parent, const Entry& entry, const Shape& shape, const Path& path,
                         Reporter& reporter) {
  const std::string where = path.size() == 0                            ? "at the top level"
                            : path.size() == 2 && path[0] == "services" ? "in a service"
                                                                        : "in " + path.dotted();
  made.label = "not known " + where;
  if (explain_colon(made, parent, entry, shape, path, reporter)) return;
  const bool service = path.size() == 2 && path[0] == "services";
  const auto dropped = std::ranges::find(dropped_options, normalized_key(entry.key), &Alias::wrong);
  if (service && dropped != std::ranges::end(dropped_options)) {
    made.help = std::string(dropped->right);
    return;
  }
  const std::vector<std::string> places = places_of_key(entry.key, 3);
  const std::optional<Guess> guess = guess_key(entry, shape, !places.empty());
  if (guess && !parent.find(guess->key)) {
    made.help = "did you mean `" + guess->key + "`?";
    if (shape.find(guess->key)) {
      made.fixes.push_back(
          Fix{"rename it to `" + guess->key + "`", guess->certainty, {reporter.edit(entry.place, guess->key)}});
    }
  } else if (guess) {
    made.help = "did you mean `" + guess->key + "`, which is already there?";
  }
  if (!places.empty()) {
    std::string list;
    for (const std::string& each : places) {
      list += std::string(list.empty() ? "" : ", ") + "`" + replace_all(each, "services.*", "services.NAME") + "`";
    }
    made.help += std::string(made.help.empty() ? "" : "\n") + "`" + entry.key + "` is valid as " + list;
  }
  if (path.size() == 0 && made.help.empty() && entry.value.is_mapping() &&
      (entry.value.find("image") || entry.value.find("build"))) {
    made.help = "a service must be indented below `services:`";
  }
  if (made.help.empty()) made.help = "remove it, or name it `x-" + entry.key + "` to keep it as an extension";
}

void explain_missing_key(Diagnostic& made, std::string_view key, const Shape& shape) {
  const Field* field = shape.find(key);
  if (field && !field->shape->example.empty()) {
    made.help = "add `" + std::string(key) + ": " + std::string(field->shape->example) + "`";
  } else {
    made.help = "add `" + std::string(key) + ":`";
  }
  if (!shape.example.empty()) made.help += "\nfor example: " + std::string(shape.example);
}

void explain_bad_name(Diagnostic& made, const Entry& entry, Reporter& reporter) {
  made.label = "not a valid name";
  std::string better;
  for (const char c : entry.key) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    better.push_back(fits ? c : '-');
  }
  if (entry.key.find("${") != std::string::npos) {
    made.label = "variables are not expanded in keys";
    made.help = "write the name itself; `container_name:` and `image:` may contain variables";
    return;
  }
  made.help = "names consist of letters, digits, `.`, `_` and `-`";
  if (better.find_first_not_of(".-_") == std::string::npos) return;  // nothing is left to suggest
  made.help += "; for example `" + better + "`";
  made.fixes.push_back(Fix{"rename it to `" + better + "`", Certainty::guess, {reporter.edit(entry.place, better)}});
}

}  // namespace consort::compose
