#include "cli/render/template.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::cli {

namespace {

const FormatField* find_field(const FormatRow& row, std::string_view name) {
  const auto found = std::ranges::find(row, name, &FormatField::name);
  return found == row.end() ? nullptr : &*found;
}

std::string json_value(const FormatField& field) {
  return field.json.empty() ? dump_json(Json(field.value)) : field.json;
}

std::string json_object(const FormatRow& row) {
  std::string text;
  for (const FormatField& field : row)
    text += (text.empty() ? "{" : ",") + dump_json(Json(field.name)) + ":" + json_value(field);
  return escape_html(text + "}");  // text that is not a field is not escaped
}

enum class Part : std::uint8_t { values, heads };

// {{.Label "KEY"}}: looks up KEY in Labels, a list of KEY=VALUE.
std::string label_of(const FormatRow& row, std::string_view key, Part part) {
  if (part == Part::heads) return std::string(key);
  const FormatField* labels = find_field(row, "Labels");
  for (const std::string& each : split(labels ? labels->value : "", ',')) {
    if (each.size() > key.size() && each.starts_with(key) && each[key.size()] == '=')
      return each.substr(key.size() + 1);
  }
  return {};
}

Result<std::string> action(std::string_view text, const FormatRow& row, Part part) {
  std::vector<std::string> words;
  for (std::string& word : split(trim(text), ' '))
    if (!word.empty()) words.push_back(std::move(word));
  if (words.size() == 2 && words[0] == ".Label" && words[1].size() > 2 && words[1].starts_with('"')) {
    return label_of(row, std::string_view(words[1]).substr(1, words[1].size() - 2), part);
  }
  if (words.empty() || words.size() > 2 || !words.back().starts_with('.'))
    return fail(Code::unsupported, "template action {{" + std::string(text) + "}}");
  const std::string name = words.back().substr(1);
  const std::string function = words.size() == 2 ? words[0] : "";
  if (name.empty()) {
    if (function != "json") return fail(Code::unsupported, "template action {{" + std::string(text) + "}}");
    return json_object(row);
  }
  const FormatField* field = find_field(row, name);
  if (!field) {
    std::vector<std::string> known;
    for (const FormatField& each : row) known.push_back(each.name);
    return fail(
        Error(Code::invalid, "template field ." + name + " is not known").hint("use one of ." + join(known, ", .")));
  }
  if (part == Part::heads) return field->head;
  if (function.empty()) return field->value;
  if (function == "json") return json_value(*field);
  if (function == "lower") return to_lower(field->value);
  if (function == "upper") return to_upper(field->value);
  return fail(Code::unsupported, "template function " + function);
}

Result<std::string> expand(std::string_view form, const FormatRow& row, Part part) {
  std::string text;
  for (std::size_t i = 0; i < form.size();) {
    if (form.substr(i, 2) == "{{") {
      const std::size_t end = form.find("}}", i);
      if (end == std::string_view::npos) return fail(Code::invalid, "template: unclosed action");
      text += TRY(action(form.substr(i + 2, end - i - 2), row, part));
      i = end + 2;
    } else if (form.substr(i, 2) == "\\t" || form.substr(i, 2) == "\\n") {
      text += form[i + 1] == 't' ? '\t' : '\n';
      i += 2;
    } else {
      text += form[i++];
    }
  }
  return text;
}

}  // namespace

Result<std::string> format_rows(const std::string& format, const std::vector<FormatRow>& rows,
                                const std::vector<std::string>& columns, const FormatRow& heads) {
  std::string form = format;
  bool table = form.empty() || form == "table";
  if (table) {
    for (const std::string& column : columns)
      form += (form.empty() || form == "table" ? "" : "\t") + ("{{." + column + "}}");
    if (format == "table") form = form.substr(5);
  } else if (form == "json") {
    form = "{{json .}}";
  } else if (form.starts_with("table ")) {
    form = form.substr(6);
    table = true;
  }
  std::vector<std::vector<std::string>> cells;
  std::string text;
  if (table) cells.push_back(split(TRY(expand(form, heads, Part::heads)), '\t'));
  for (const FormatRow& row : rows) {
    const std::string line = TRY(expand(form, row, Part::values));
    if (table) {
      cells.push_back(split(line, '\t'));
    } else {
      text += line + "\n";
    }
  }
  return table ? format_table(cells, object_table) : text;
}

}  // namespace consort::cli
