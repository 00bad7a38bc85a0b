// Help for values of the wrong type, and for words that are not among the allowed ones.
#include "compose/passes/suggest.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::compose {

namespace {

std::string article(const std::string& words) {
  return (std::string_view("aeiou").find(words[0]) != std::string_view::npos ? "an " : "a ") + words;
}

}  // namespace

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
      return "empty";
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

// A plain number or boolean where a string is required: suggests the most likely intention.
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

// The key that a short value stands for, if the shape has no short form.
std::string_view key_of_short_form(const Shape& shape, const Node& node) {
  const auto is_path = [&] { return node.text.starts_with('.') || node.text.starts_with('/'); };
  if (shape.find("test")) return "test";
  if (shape.find("condition") && shape.find("required")) return "condition";
  if (shape.find("driver") && shape.find("options")) return "driver";  // logging
  if (shape.find("ipam")) return "driver";                             // a network
  if (shape.find("file") && shape.find("external") && is_path()) return "file";
  return {};
}

bool explain_short_form(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  const std::string_view key = key_of_short_form(shape, node);
  if (key.empty()) return false;
  const Field* field = shape.find(key);
  const auto& choices = field->shape->choices;
  if (!choices.empty() && !std::ranges::count(choices, node.text)) return false;
  const bool plain = node.style == Style::plain && node.text.find_first_of(",[]{}\"'") == std::string::npos;
  const std::string value = plain ? node.text : "'" + replace_all(node.text, "'", "''") + "'";
  const std::string right = "{" + std::string(key) + ": " + value + "}";
  made.help = "write " + right;
  if (node.place.length > 0) {
    made.fixes.push_back(Fix{"write the mapping", Certainty::certain, {reporter.edit(node.place, right)}});
  }
  return true;
}

// A string where a list or mapping is required.
bool explain_string(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  const bool one_line = node.place.length > 0;
  const bool below = made.line_text.find(':') >= made.mark.column;
  if (node.style == Style::plain && one_line && node.text.size() > 1 && node.text[0] == '-' && node.text[1] != '-') {
    const std::string right = below ? "- " + node.text.substr(1) : "[\"" + node.text.substr(1) + "\"]";
    made.help = below ? "a space is missing after `-`: write `" + right + "`"
                      : "a list on the line of its key is written in brackets: " + right;
    made.fixes.push_back(Fix{"make it a list", Certainty::certain, {reporter.edit(node.place, right)}});
    return true;
  }
  const std::size_t equals = node.text.find('=');
  const bool pair = equals != std::string::npos && equals > 0 && node.text.find(' ') == std::string::npos;
  if ((shape.types & type::mapping) && shape.value && pair) {
    const std::string right = node.text.substr(0, equals) + ": " + node.text.substr(equals + 1);
    made.help = below ? "write `" + right + "`" : "write it on a line of its own: `" + right + "`";
    if (below && one_line) {
      made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter.edit(node.place, right)}});
    }
    return true;
  }
  if ((shape.types & type::mapping) && explain_short_form(made, node, shape, reporter)) return true;
  if (!(shape.types & type::sequence)) return false;
  std::vector<std::string> parts;
  for (const std::string& part : split(node.text, ',')) parts.emplace_back(trim(part));
  const std::string right = "[" + (parts.size() > 1 ? join(parts, ", ") : quoted_like(node)) + "]";
  made.help = "make it a list: " + right;
  if (one_line && node.style != Style::single_quoted) {
    made.fixes.push_back(Fix{"make it a list", Certainty::certain, {reporter.edit(node.place, right)}});
  }
  return true;
}

// "- KEY: value" where "KEY=value" is required.
void explain_pair_item(Diagnostic& made, const Node& node, Reporter& reporter) {
  const Entry& entry = node.entries[0];
  const bool text = entry.key.find_first_of("= ") != std::string::npos;  // a colon inside an item meant as one text
  const std::string value = entry.value.scalar_text();
  const std::string right =
      text ? "'" + replace_all(entry.key + ": " + value, "'", "''") + "'" : entry.key + "=" + value;
  made.help = text ? "put it in quotes: " + right
                   : "write `- " + right + "`, or `" + entry.key + ": " + value + "` without the `- `";
  const Place from = entry.place;
  const Place to = entry.value.place;
  if (from.line != to.line || to.length == 0) return;
  Place whole = from;
  whole.length = to.column + to.length - from.column;
  made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter.edit(whole, right)}});
}

}  // namespace

namespace {

// "- db" where "db:" is required: drops the dashes of a list below its key.
void drop_dashes(Diagnostic& made, const Node& list, Reporter& reporter) {
  const Source* source = list.items.empty() ? nullptr : reporter.sources().get(list.items[0].place.source);
  if (!source || list.style != Style::block) return;
  Fix fix{"make it a mapping", Certainty::certain, {}};
  for (const Node& item : list.items) {
    const std::string_view line = source->line(item.place.line);
    const std::size_t dash = line.find_first_not_of(' ');
    const std::size_t first = dash == std::string_view::npos ? dash : line.find_first_not_of(' ', dash + 1);
    if (first == std::string_view::npos || line[dash] != '-') return;
    const std::size_t at = source->offset_of(item.place.line, 1);
    if (item.is_mapping()) {  // its body must stay deeper than its key
      fix.edits.push_back(reporter.edit_bytes(item.place.source, at + dash, first - dash, ""));
    } else if (item.is_string() && item.place.length == item.text.size()) {
      fix.edits.push_back(
          reporter.edit_bytes(item.place.source, at + dash, first - dash + item.text.size(), item.text + ":"));
    } else {
      return;
    }
  }
  made.fixes.push_back(std::move(fix));
}

// A list where a mapping is required.
void explain_list(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  const Node& first = node.items[0];
  const Node* name = first.find("name");
  const bool null_values = shape.value && (shape.value->types & type::null);
  if (name && name->is_string() && shape.value && !shape.value->fields.empty()) {
    made.help = "write `" + name->text + ":`, with the rest below it, instead of `- name: " + name->text + "`";
  } else if (std::ranges::all_of(node.items, [](const Node& item) { return item.is_string(); }) && shape.value) {
    made.help = "write `" + first.text + ":` without the leading `- `";
    if (null_values) drop_dashes(made, node, reporter);
  } else {
    made.help = "write `key: value` lines without the leading `- `";
  }
}

// A mapping where a list of mappings is required.
bool explain_single_item(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  if (!shape.item || !(shape.item->types & type::mapping) || node.entries.empty()) return false;
  const Entry& first = node.entries[0];
  if (!shape.item->find(first.key)) return false;
  made.help = "start an item of the list: `- " + first.key + ":`, and indent what follows by 2 spaces more";
  const Source* source = reporter.sources().get(first.place.source);
  if (!source || node.style != Style::block) return true;
  Fix fix{"make it an item of a list", Certainty::certain, {}};
  for (std::uint32_t line = first.place.line; line <= source->line_count(); ++line) {
    const std::string_view text = source->line(line);
    const std::size_t indent = text.find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    if (indent + 1 < first.place.column) break;
    const std::string more = line == first.place.line ? "- " : "  ";
    fix.edits.push_back(reporter.edit_bytes(first.place.source, source->offset_of(line, first.place.column), 0, more));
  }
  made.fixes.push_back(std::move(fix));
  return true;
}

// A mapping where one value or a list of values is required.
void explain_mapping(Diagnostic& made, const Node& node, const Shape& shape, const Path& path, Reporter& reporter) {
  const Entry* first = node.entries.empty() ? nullptr : &node.entries[0];
  const std::string key = path.size() ? path[path.size() - 1] : "";
  if (first && (shape.types & type::sequence)) {
    if (explain_single_item(made, node, shape, reporter)) return;
    const bool pair = key == "volumes" || key == "ports" || key == "tmpfs" || key == "extra_hosts" || key == "devices";
    const std::string text = first->key + ":" + (first->value.is_scalar() ? first->value.scalar_text() : "");
    made.help = pair ? "write a list: `- \"" + text + "\"`" : "write one value or a list of values";
  } else if (first && path.size() > 1 &&
             (path[path.size() - 2] == "labels" || path[path.size() - 2] == "annotations")) {
    made.help = "write one line for each, with the whole name: `" + key + "." + first->key + ": ...`";
  } else {
    made.help = "write one value instead of a mapping";
  }
}

}  // namespace

void explain_wrong_type(Diagnostic& made, const Node& node, const Shape& shape, const Path& path, Reporter& reporter) {
  made.label = "this is " + kind_text(node) + ", it must be " + article(std::string(shape.name));
  const bool plain_scalar = node.is_scalar() && !node.is_null() && !node.is_string();
  if (plain_scalar && (shape.types & type::string)) return explain_plain_scalar(made, node, shape, path, reporter);
  const bool one_item_list = node.is_sequence() && node.items.size() == 1 && node.items[0].is_scalar();
  const bool item = path.size() > 0 && parse_unsigned(path[path.size() - 1]).has_value();
  if (one_item_list && (shape.types & type::string)) {
    made.help = "write the value without the list: " + node.items[0].text;
    if (node.style == Style::flow && node.place.length > 0) {
      made.fixes.push_back(
          Fix{"write the value", Certainty::certain, {reporter.edit(node.place, quoted_like(node.items[0]))}});
    }
  } else if (node.is_sequence() && !node.items.empty() && (shape.types & type::mapping)) {
    explain_list(made, node, shape, reporter);
  } else if (node.is_sequence()) {
    made.help = "write one value instead of a list";
  } else if (node.is_string() && explain_string(made, node, shape, reporter)) {
    // already reported
  } else if (node.is_scalar() && !node.is_null() && shape.find("driver_opts") && path.size() == 2) {
    made.help = "write `" + path[1] + ":` with nothing after it";
    if (node.text.starts_with('/') || node.text.starts_with('.')) {
      made.help += "; a directory of this machine is mounted in the service: `" + node.text + ":/TARGET`";
    }
  } else if (node.is_null()) {
    const std::string key = path.size() ? path[path.size() - 1] : "this";
    made.help = "give `" + key + "` a value or remove it; its content must be indented below it";
  } else if (item && node.is_mapping() && node.entries.size() == 1 && node.entries[0].value.is_scalar() &&
             shape.types == type::string) {
    return explain_pair_item(made, node, reporter);
  } else if (node.is_mapping()) {
    explain_mapping(made, node, shape, path, reporter);
  } else if (node.is_string() && (shape.types & type::boolean) && !(shape.types & type::string)) {
    made.help = "write true or false without quotes";
  } else if (node.is_string() && (shape.types & (type::number | type::integer))) {
    made.help = "write a number without quotes";
  }
  if (!shape.example.empty() && made.fixes.empty()) {
    made.help += std::string(made.help.empty() ? "" : "\n") + "for example: " + std::string(shape.example);
  }
}

void explain_choice(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter) {
  std::vector<std::string> known;
  for (const std::string_view choice : shape.choices) known.emplace_back(choice);
  made.label = "not an allowed value";
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
  const auto near = nearest(name, known);
  if (near && *near == name) return;  // it exists, and is invalid for another reason
  if (near) {
    made.help = "did you mean `" + *near + "`?";
    if (place.length == name.size()) {
      made.fixes.push_back(Fix{"write `" + *near + "`", Certainty::guess, {reporter.edit(place, *near)}});
    }
  } else if (!known.empty() && known.size() <= 12) {
    made.help = "defined are: " + join(known, ", ");
  }
}

}  // namespace consort::compose
