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
    if (field.key == key) found.push_back(prefix + std::string(field.key));
    collect(key, *field.shape, prefix + std::string(field.key), depth + 1, found);
  }
  if (shape.item) collect(key, *shape.item, path + "[]", depth + 1, found);
  if (shape.value) collect(key, *shape.value, prefix + "*", depth + 1, found);
}

// Keys that people bring from other tools or older files.
struct Alias {
  std::string_view wrong;
  std::string_view right;
};
constexpr Alias aliases[] = {
    {"env", "environment"},
    {"envs", "environment"},
    {"environments", "environment"},
    {"enviroment", "environment"},
    {"port", "ports"},
    {"volume", "volumes"},
    {"network", "networks"},
    {"cmd", "command"},
    {"args", "command"},
    {"name", "container_name"},
    {"container", "container_name"},
    {"containername", "container_name"},
    {"depends", "depends_on"},
    {"dependson", "depends_on"},
    {"depend_on", "depends_on"},
    {"dependencies", "depends_on"},
    {"workdir", "working_dir"},
    {"work_dir", "working_dir"},
    {"restart_policy", "restart"},
    {"memory", "mem_limit"},
    {"mem", "mem_limit"},
    {"cpu", "cpus"},
    {"health_check", "healthcheck"},
    {"health", "healthcheck"},
    {"envfile", "env_file"},
    {"env_files", "env_file"},
    {"mounts", "volumes"},
    {"link", "links"},
    {"secret", "secrets"},
    {"config", "configs"},
    {"replicas", "scale"},
    {"log", "logging"},
    {"logs", "logging"},
    {"entry_point", "entrypoint"},
    {"stop_timeout", "stop_grace_period"},
    {"service", "services"},
    {"net", "network_mode"},
    {"user_id", "user"},
    {"readonly", "read_only"},
    {"img", "image"},
    {"run", "command"},
    {"tag", "image"},
    {"arguments", "command"},
    {"ram", "mem_limit"},
    {"links_to", "links"},
    {"mount", "volumes"},
    {"src", "source"},
    {"dst", "target"},
    {"destination", "target"},
    {"dest", "target"},
    {"publish", "published"},

    {"file", "dockerfile"},
};

std::string article(const std::string& words) {
  return (std::string_view("aeiou").find(words[0]) != std::string_view::npos ? "an " : "a ") + words;
}

}  // namespace

std::vector<std::string> places_of_key(std::string_view key, std::size_t limit) {
  std::vector<std::string> found;
  collect(key, root_shape(), "", 0, found);
  std::ranges::stable_sort(found, {}, [](const std::string& path) { return std::ranges::count(path, '.'); });
  if (found.size() > limit) found.resize(limit);
  return found;
}

std::string type_names(const Shape& shape) {
  std::string out;
  const auto add = [&](unsigned bit, std::string_view word) {
    if (!(shape.types & bit)) return;
    out += std::string(out.empty() ? "" : " or ") + std::string(word);
  };
  add(type::boolean, "boolean");
  add(type::number, "number");
  add(type::integer, "integer");
  add(type::string, "string");
  add(type::mapping, "mapping");
  add(type::sequence, "array");
  if (out.empty()) add(type::null, "null");
  return out;
}

std::string kind_text(const Node& node) {
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::boolean:
      return std::string("the boolean ") + (node.boolean ? "true" : "false");
    case Kind::integer:
    case Kind::floating:
      return "the number " + node.text;
    case Kind::timestamp:
      return "a date (" + node.text + ")";
    case Kind::string:
      return "a string";
    case Kind::sequence:
      return "a list";
    case Kind::mapping:
      return "a mapping";
  }
  return "something else";
}

namespace {

std::string quoted_like(const Node& node) {
  return node.style == Style::plain ? node.text : "\"" + node.text + "\"";
}

// A plain number or boolean where a string must stand: what its author most likely meant.
void explain_plain_scalar(Diagnostic& made, const Node& node, const Shape& shape, const Path& path,
                          Reporter& reporter) {
  const std::string key = path.size() ? path[path.size() - 1] : "";
  std::string right = "\"" + node.text + "\"";
  std::string title = "put it in quotes";
  Certainty certainty = Certainty::certain;
  if (shape.name == "duration") {
    right = node.text + "s";
    title = "add a unit (seconds?)";
    certainty = Certainty::guess;
  } else if (shape.name == "size") {
    right = node.text + "M";
    title = "add a unit (MiB?)";
    certainty = Certainty::guess;
  } else if (shape.name == "boolean") {
    right = node.text == "1" ? "true" : "false";
    title = "write " + right;
  } else if (key == "restart" && node.kind == Kind::boolean) {
    right = node.boolean ? "always" : "\"no\"";
    title = "write " + right;
  }
  made.help = title.starts_with("write") ? title : title + ": " + right;
  made.fixes.push_back(Fix{title, certainty, {reporter.edit(node.place, right)}});
}

// A string where a list or mapping must stand.
bool explain_string(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  const bool one_line = node.place.length > 0;
  if (node.style == Style::plain && one_line && node.text.size() > 1 && node.text[0] == '-' && node.text[1] != '-') {
    const std::string right = "- " + node.text.substr(1);
    made.help = "a blank is missing after `-`: write `" + right + "`";
    made.fixes.push_back(Fix{"add the blank", Certainty::certain, {reporter.edit(node.place, right)}});
    return true;
  }
  const std::size_t equals = node.text.find('=');
  const bool pair = equals != std::string::npos && equals > 0 && node.text.find(' ') == std::string::npos;
  if ((shape.types & type::mapping) && shape.value && pair) {
    const bool below = node.place.column < 40 && made.line_text.find(':') >= made.mark.column;
    const std::string right = node.text.substr(0, equals) + ": " + node.text.substr(equals + 1);
    made.help = below ? "write `" + right + "`" : "write it on a line of its own: `" + right + "`";
    if (below && one_line) {
      made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter.edit(node.place, right)}});
    }
    return true;
  }
  if (!(shape.types & type::sequence)) return false;
  const std::string right = "[" + quoted_like(node) + "]";
  made.help = "make it a list: " + right;
  if (one_line && node.style != Style::single_quoted) {
    made.fixes.push_back(Fix{"make it a list", Certainty::certain, {reporter.edit(node.place, right)}});
  }
  return true;
}

// "- KEY: value" where "KEY=value" must stand.
void explain_pair_item(Diagnostic& made, const Node& node, Reporter& reporter) {
  const Entry& entry = node.entries[0];
  const std::string right = entry.key + "=" + entry.value.scalar_text();
  made.help = "write `- " + right + "`, or `" + entry.key + ": " + entry.value.scalar_text() + "` without the `- `";
  const Place from = entry.place;
  const Place to = entry.value.place;
  if (from.line != to.line || to.length == 0) return;
  Place whole = from;
  whole.length = to.column + to.length - from.column;
  made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter.edit(whole, right)}});
}

}  // namespace

void explain_wrong_type(Diagnostic& made, const Node& node, const Shape& shape, const Path& path, Reporter& reporter) {
  made.label = "this is " + kind_text(node) + ", it must be " + article(std::string(shape.name));
  const bool plain_scalar = node.is_scalar() && !node.is_null() && !node.is_string();
  if (plain_scalar && (shape.types & type::string)) return explain_plain_scalar(made, node, shape, path, reporter);
  const bool one_item_list = node.is_sequence() && node.items.size() == 1 && node.items[0].is_scalar();
  if (one_item_list && (shape.types & type::mapping)) {
    made.help = "write `" + node.items[0].text + ":` without the leading `- `";
  } else if (one_item_list && !(shape.types & type::sequence)) {
    made.help = "write the value without the list: " + node.items[0].text;
  } else if (node.is_string() && explain_string(made, node, shape, reporter)) {
    // told
  } else if (node.is_null()) {
    const std::string key = path.size() ? path[path.size() - 1] : "this";
    made.help = "give `" + key + "` a value or remove it; what belongs to it must be indented below it";
  } else if (node.is_mapping() && node.entries.size() == 1 && node.entries[0].value.is_scalar() &&
             shape.types == type::string) {
    return explain_pair_item(made, node, reporter);
  } else if (node.is_mapping() && (shape.types & type::sequence) && !node.entries.empty() &&
             node.entries[0].value.is_scalar()) {
    made.help = "write a list: `- \"" + node.entries[0].key + ":" + node.entries[0].value.scalar_text() + "\"`";
  } else if (node.is_sequence() && (shape.types & type::mapping)) {
    made.help = "write `key: value` lines without the leading `- `";
  } else if (node.is_string() && (shape.types & type::boolean) && !(shape.types & type::string)) {
    made.help = "write true or false without quotes";
  } else if (node.is_string() && (shape.types & (type::number | type::integer))) {
    made.help = "write a number without quotes";
  } else if (node.is_mapping() && (shape.types & type::string)) {
    made.help = "write one value instead of a mapping";
  }
  if (!shape.example.empty()) {
    made.help += std::string(made.help.empty() ? "" : "\n") + "for example: " + std::string(shape.example);
  }
}

void explain_unknown_key(Diagnostic& made, const Node& parent, const Entry& entry, const Shape& shape, const Path& path,
                         Reporter& reporter) {
  const std::string where = path.size() == 0                            ? "at the top level"
                            : path.size() == 2 && path[0] == "services" ? "in a service"
                                                                        : "in " + path.dotted();
  made.label = "not known " + where;
  std::vector<std::string> known;
  for (const Field& field : shape.fields) known.emplace_back(field.key);
  const std::string lower = to_lower(replace_all(entry.key, "-", "_"));
  std::optional<std::string> near;
  if (shape.find(lower)) near = lower;
  if (!near) near = nearest(lower, known);
  const bool misspelled = near.has_value();
  for (const Alias& alias : aliases) {
    if (!near && alias.wrong == lower && shape.find(alias.right)) near = std::string(alias.right);
  }
  if (near && !parent.find(*near)) {
    made.help = "did you mean `" + *near + "`?";
    const bool sure =
        lower == *near || (misspelled && (near->size() > 4 && to_lower(entry.key).size() + 2 > near->size()));
    made.fixes.push_back(Fix{"rename it to `" + *near + "`",
                             sure ? Certainty::certain : Certainty::guess,
                             {reporter.edit(entry.place, *near)}});
  } else if (near) {
    made.help = "did you mean `" + *near + "`, which is already there?";
  }
  const std::vector<std::string> places = places_of_key(entry.key, 3);
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
  made.help = "names consist of letters, digits, `.`, `_` and `-`; for example `" + better + "`";
  if (!better.empty()) {
    made.fixes.push_back(Fix{"rename it to `" + better + "`", Certainty::guess, {reporter.edit(entry.place, better)}});
  }
}

void explain_choice(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  std::vector<std::string> known;
  for (const std::string_view choice : shape.choices) known.emplace_back(choice);
  made.label = "not one of the possible values";
  if (node.text == "reload") made.help = "use `rebuild`, `restart` or `sync`";
  std::string word = to_lower(node.text);
  std::ranges::replace(word, '-', '_');
  std::optional<std::string> near = nearest(node.text, known);
  if (!near) near = nearest(word, known);
  for (const std::string& each : known) {
    if (!near && (each.ends_with("_" + word) || each.starts_with(word + "_"))) near = each;
  }
  if (near) {
    made.help = "did you mean `" + *near + "`?";
    made.fixes.push_back(Fix{"write `" + *near + "`", Certainty::certain, {reporter.edit(node.place, *near)}});
  } else {
    made.help = "use one of: " + join(known, ", ");
  }
}

void suggest_name(Diagnostic& made, std::string_view name, const std::vector<std::string>& known, Place place,
                  Reporter& reporter) {
  if (const auto near = nearest(name, known)) {
    made.help = "did you mean `" + *near + "`?";
    if (place.length == name.size()) {
      made.fixes.push_back(Fix{"write `" + *near + "`", Certainty::guess, {reporter.edit(place, *near)}});
    }
  } else if (!known.empty() && known.size() <= 12) {
    made.help = "defined are: " + join(known, ", ");
  }
}

}  // namespace consort::compose
