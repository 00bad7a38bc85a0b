// Between a key and its value: `=` for `:`, a missing colon or space, a colon inside the value.
#include <algorithm>

#include "compose/loader/repairer.hpp"
#include "compose/passes/suggest.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

bool is_known_key(std::string_view key) {
  return service_shape().find(key) || root_shape().find(key) || build_shape().find(key);
}

}  // namespace

// "version = '3.8'" or "image=nginx" or "image => nginx" in the middle of a mapping.
bool Repairer::equals(const Line& line) {
  const std::string_view content = line.content();
  if (content.starts_with('-')) return false;
  const std::size_t length = key_length(content);
  if (length == 0) return false;
  std::size_t begin = length;
  while (begin < content.size() && content[begin] == ' ') ++begin;
  if (begin >= content.size() || content[begin] != '=') return false;
  std::size_t end = begin + 1;
  if (end < content.size() && content[end] == '>') ++end;
  const std::string sign(content.substr(begin, end - begin));
  while (end < content.size() && content[end] == ' ') ++end;
  const std::string key(content.substr(0, length));
  return replace(
      line.offset + line.indent + length, end - length, ": ",
      Words{"equals-for-colon", where(line) + "`" + sign + "` after the key `" + key + "`, where YAML wants `:`",
            "must be `: `", "write `" + key + ": " + std::string(content.substr(end)) + "`",
            "replace `" + sign + "` by `:`"});
}

// "image:nginx".
bool Repairer::missing_space(const Line& line) {
  const std::string_view content = line.content();
  const std::size_t length = key_length(content);
  if (length == 0 || content[0] == '-' || length + 1 >= content.size() || content[length] != ':' ||
      content[length + 1] == ' ' || content[length + 1] == '/') {
    return false;
  }
  const std::string key(content.substr(0, length));
  if (!is_known_key(key)) {
    // Another key is valid only where keys are expected: below one without a value, or among others.
    const std::optional<Line> above = neighbour(line.number, -1);
    const bool first = above && above->indent < line.indent && above->text.ends_with(':');
    const bool among = above && above->indent == line.indent && !key_of(above->content()).empty();
    if ((!first && !among) || (key[0] >= '0' && key[0] <= '9')) return false;
  }
  return replace(line.offset + line.indent + length, 1, ": ",
                 Words{"missing-space", where(line) + "a space is missing after `" + key + ":`", "add a space here",
                       "write `" + key + ": " + std::string(content.substr(length + 1)) + "`", "add the space"});
}

// A line with a single word, followed by more deeply indented lines.
bool Repairer::missing_colon(const Line& line) {
  std::string_view content = line.content();
  while (content.ends_with(' ')) content.remove_suffix(1);
  if (content.empty() || content[0] == '-' || key_length(content) != content.size()) return false;
  const std::optional<Line> below = neighbour(line.number, 1);
  if (!below || below->indent < line.indent) return false;
  if (below->indent == line.indent && !below->content().starts_with("- ")) return false;
  const std::optional<Line> above = neighbour(line.number, -1);
  if (above && above->content().starts_with("- ") && above->indent < line.indent) return false;
  const std::string key(content);
  return replace(line.offset + line.indent + content.size(), 0, ":",
                 Words{"missing-colon", where(line) + "could not find expected ':'", "`:` is missing",
                       "write `" + key + ":`", "add the `:`"});
}

// "DB_HOST db" among `key: value` lines.
bool Repairer::value_without_colon(const Line& line) {
  const std::string_view content = line.content();
  const std::size_t length = key_length(content);
  if (length == 0 || content[0] == '-' || length + 1 >= content.size() || content[length] != ' ') return false;
  if (!key_of(content).empty()) return false;
  const std::optional<Line> above = neighbour(line.number, -1);
  const std::optional<Line> below = neighbour(line.number, 1);
  const auto is_sibling = [&](const std::optional<Line>& other) {
    return other && other->indent == line.indent && !key_of(other->content()).empty();
  };
  const bool first = !above || (above->indent < line.indent && above->text.ends_with(':'));
  if (!is_sibling(above) && !(first && is_sibling(below))) return false;
  const std::string key(content.substr(0, length));
  return replace(line.offset + line.indent + length, 0, ":",
                 Words{"missing-colon", where(line) + "could not find expected ':'", "`:` is missing",
                       "write `" + key + ":" + std::string(content.substr(length)) + "`", "add the `:`",
                       is_known_key(key) ? Certainty::certain : Certainty::guess});
}

// "<< *defaults" or "<<" alone.
bool Repairer::merge_key(const Line& line) {
  std::string_view content = line.content();
  while (content.ends_with(' ')) content.remove_suffix(1);
  if (!content.starts_with("<<") || content.starts_with("<<:") || content.starts_with("<<<")) return false;
  const std::string_view rest = content.substr(2);
  if (rest.empty()) {
    return replace(line.offset + line.indent, content.size(), "",
                   Words{"merge-key", where(line) + "`<<` without an alias", "merges nothing",
                         "write `<<: *NAME`, with the name of an anchor `&NAME`, or remove the line", "remove the line",
                         Certainty::guess});
  }
  if (rest.find('*') == std::string_view::npos || rest.find(':') != std::string_view::npos) return false;
  return replace(line.offset + line.indent + 2, 0, ":",
                 Words{"missing-colon", where(line) + "could not find expected ':'", "`:` is missing",
                       "write `<<: " + std::string(rest.substr(rest.find('*'))) + "`", "add the `:`"});
}

// "command: echo a: b": the value needs quotes. An image's name never contains a space.
bool Repairer::colon_in_value(const Line& line) {
  std::optional<LineValue> value = value_of(line);
  // The first word of an item looks like a key but is not one, unless Compose knows such a key.
  if (value && line.content().starts_with("- ")) {
    const std::size_t begin = line.text.find_first_not_of(' ', line.indent + 1);
    const std::string_view key = key_of(line.text.substr(begin));
    if (!key.empty() && places_of_key(key, 1).empty()) {
      const std::size_t end = value->begin + value->text.size();
      value = LineValue{begin, line.text.substr(begin, end - begin)};
    }
  }
  if (!value || value->text.empty()) return false;
  const std::string_view text = value->text;
  if (std::string_view("\"'[{|>&*!").find(text[0]) != std::string_view::npos) return false;
  const std::size_t colon = text.find(": ");
  if (colon == std::string_view::npos && !text.ends_with(':')) return false;
  const std::string message = where(line) + "mapping values are not allowed in this context";
  if (key_of(line.content()) == "image") {
    const bool last = colon == std::string_view::npos;
    const std::size_t tag = last ? text.size() : text.find_first_not_of(' ', colon + 1);
    const std::string right =
        std::string(text.substr(0, last ? text.size() - 1 : colon + 1)) + std::string(text.substr(tag));
    return replace(line.offset + value->begin, text.size(), right,
                   Words{"space-in-image", message, last ? "`:` without a tag" : "a space before the tag",
                         "write `image: " + right + "`", last ? "remove the `:`" : "remove the space"});
  }
  const std::string quoted = single_quoted(text);
  return replace(line.offset + value->begin, text.size(), quoted,
                 Words{"unquoted-colon", message, "`: ` inside a plain value", "put the value in quotes: " + quoted,
                       "put the value in quotes"});
}

}  // namespace consort::compose
