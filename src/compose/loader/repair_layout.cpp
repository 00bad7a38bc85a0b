// Indentation and dashes.
#include <algorithm>

#include "compose/loader/repairer.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

bool has_tab(const Line& line) {
  return line.text.substr(0, line.indent).find('\t') != std::string_view::npos;
}

std::string blanks(std::size_t count) {
  return std::string(count, ' ');
}

// "command: >" with nothing after it.
bool opens_block_text(const Line& line) {
  const std::optional<LineValue> value = value_of(line);
  if (!value || value->text.empty() || value->text.size() > 3) return false;
  return (value->text[0] == '>' || value->text[0] == '|') &&
         value->text.find_first_not_of("+-123456789", 1) == std::string_view::npos;
}

}  // namespace

// Repairs all lines of the file at once: an editor that inserts one tab inserts them everywhere.
bool Repairer::tabs(const Line& line) {
  if (!has_tab(line)) return false;
  struct Seen {
    std::string_view written;
    std::size_t blanks = 0;
    bool opens = false;
  };
  std::vector<Seen> seen;
  std::vector<Edit> edits;
  std::uint32_t last = 0;
  for (std::uint32_t number = 1; number <= source_.line_count(); ++number) {
    const Line each = line_at(source_, number);
    if (each.blank()) continue;
    const std::string_view written = each.text.substr(0, each.indent);
    const auto tab_count = static_cast<std::size_t>(std::ranges::count(written, '\t'));
    std::size_t right = written.size() + tab_count;
    if (tab_count > 0) {
      const auto same = std::ranges::find(seen.rbegin(), seen.rend(), written, &Seen::written);
      const Seen* above = seen.empty() ? nullptr : &seen.back();
      if (same != seen.rend()) {
        right = same->blanks;
      } else if (above && above->opens && above->written.find('\t') == std::string_view::npos) {
        const std::optional<Line> below = neighbour(number, 1);
        const bool sibling =
            below && below->indent > above->blanks && !has_tab(*below) && !each.content().starts_with('-');
        right = sibling ? below->indent : above->blanks + 2;
      } else if (above && written.starts_with(above->written)) {
        const std::string_view more = written.substr(above->written.size());
        right = above->blanks + more.size() + static_cast<std::size_t>(std::ranges::count(more, '\t'));
      }
      edits.push_back(Edit{each.offset, each.indent, blanks(right)});
      last = number;
    }
    seen.push_back(Seen{written, right, each.text.ends_with(':')});
  }
  const Line first = line_at(source_, source_.place_at(edits[0].offset).line);
  const bool several = edits.size() > 1;
  return report(edits[0].offset, edits[0].length, edits,
                Words{"tab", where(first) + "found character that cannot start any token", "a tab",
                      "YAML is indented with spaces only" +
                          (several ? "; " + std::to_string(edits.size()) + " lines up to line " + std::to_string(last) +
                                         " start with tabs"
                                   : ""),
                      "replace tabs with spaces"});
}

// `-"80:80"`.
bool Repairer::dash_without_space(const Line& line) {
  const std::string_view content = line.content();
  if (content.size() < 2 || content[0] != '-' || content[1] == ' ' || content[1] == '-') return false;
  const std::optional<Line> above = neighbour(line.number, -1);
  const std::optional<Line> below = neighbour(line.number, 1);
  const auto is_item = [&](const std::optional<Line>& other) {
    return other && other->indent == line.indent && other->content().starts_with('-');
  };
  const bool first = above && above->indent <= line.indent && above->text.ends_with(':');
  if (!first && !is_item(above) && !is_item(below)) return false;
  return replace(line.offset + line.indent, 1, "- ",
                 Words{"missing-space", where(line) + "a space is missing after `-`", "add a space here",
                       "write `- " + std::string(content.substr(1)) + "`", "add the space"});
}

// `ports: - "80:80"`.
bool Repairer::dash_behind_key(const Line& line) {
  if (!problem_is("block sequence entries are not allowed in this context")) return false;
  const std::optional<LineValue> value = value_of(line);
  if (!value || !value->text.starts_with("- ")) return false;
  const std::size_t colon = line.text.rfind(':', value->begin);
  const std::optional<Line> below = neighbour(line.number, 1);
  const bool more = below && below->content().starts_with("- ") && below->indent >= line.indent;
  const std::size_t indent = more ? below->indent : line.indent + 2;
  const Edit edit{line.offset + colon + 1, value->begin - colon - 1, "\n" + blanks(indent)};
  return report(line.offset + value->begin, 1, std::span(&edit, 1),
                Words{"list-behind-key", where(line) + problem_.problem, "a list cannot start on the line of its key",
                      "write `" + std::string(value->text) + "` on the next line, indented by " +
                          std::to_string(indent) + " spaces",
                      "move the list to the next line"});
}

// A value below `- "80:80"` that has no dash of its own.
bool Repairer::missing_dash(const Line& line) {
  if (!problem_.problem.starts_with("could not find expected ':'") && !problem_.problem.starts_with("did not find")) {
    return false;
  }
  const std::optional<Line> above = neighbour(line.number, -1);
  if (!above || !above->content().starts_with("- ") || line.indent != above->indent + 2 || has_tab(line)) return false;
  if (!key_of(line.content()).empty() || !key_of(above->content().substr(2)).empty() ||
      line.content().starts_with('-')) {
    return false;
  }
  return replace(line.offset + above->indent, 2, "- ",
                 Words{"missing-dash", where(line) + problem_.problem, "a list item without its `- `",
                       "write `- " + std::string(line.content()) + "`", "add the `- `"});
}

// "- A=1" below "B: 2".
bool Repairer::item_in_mapping(const Line& line) {
  const std::string_view content = line.content();
  if (!content.starts_with("- ")) return false;
  const std::optional<Line> above = neighbour(line.number, -1);
  if (!above || above->indent != line.indent || key_of(above->content()).empty()) return false;
  const std::string_view item = content.substr(2);
  const std::size_t length = key_length(item);
  if (length == 0 || length >= item.size() || item[length] != '=') return false;
  const std::string right = std::string(item.substr(0, length)) + ": " + std::string(item.substr(length + 1));
  return replace(
      line.offset + line.indent, length + 3, std::string(item.substr(0, length)) + ": ",
      Words{"mixed-styles", where(line) + "did not find expected key", "a list item among `key: value` lines",
            "write `" + right + "`, like the lines above", "write it as `key: value`"});
}

// "B=2" below "- A: 1", "B: 2" below "- A=1": a list and a mapping mixed. Only if both forms are allowed, because
// otherwise the line belongs to the item above.
bool Repairer::mapping_in_list(const Line& line) {
  static constexpr std::string_view either[]{"environment", "labels", "args", "annotations", "extra_hosts", "sysctls"};
  const std::string_view content = line.content();
  const std::optional<Line> above = neighbour(line.number, -1);
  if (content.starts_with('-') || has_tab(line) || !above || !above->content().starts_with("- ")) return false;
  if (line.indent != above->indent && line.indent != above->indent + 2) return false;
  std::optional<Line> owner = above;
  while (owner && (owner->indent > above->indent || owner->content().starts_with("- "))) {
    owner = neighbour(owner->number, -1);
  }
  if (!owner || !std::ranges::count(either, key_of(owner->content())) || !owner->text.ends_with(':')) return false;
  const std::size_t length = key_length(content);
  const std::optional<LineValue> value = value_of(line);
  const bool assigns = length > 0 && length < content.size() && content[length] == '=';
  const bool maps = line.indent == above->indent && line.indent > owner->indent && value && !value->text.empty() &&
                    value->text.find_first_of("\"'") == std::string_view::npos;
  if (!assigns && !maps) return false;
  const std::string key(content.substr(0, length));
  const std::string text(assigns ? content.substr(length + 1) : value->text);
  const std::string right = "- " + key + "=" + text;
  return replace(line.offset + above->indent, line.text.size() - above->indent, right,
                 Words{"mixed-styles", where(line) + problem_.problem, "a line without `- ` in a list",
                       "these lines are a mixture of a list and a mapping: write `" + right +
                           "`, like the line above, or write each of them as `" + key + ": " + text + "`",
                       "write it as a list item"});
}

// "- db" with "condition: ..." below it: only a mapping's key can have a body.
bool Repairer::item_with_body(const Line& line) {
  if (!problem_is("mapping values are not allowed in this context") || key_of(line.content()).empty()) return false;
  const std::optional<Line> item = neighbour(line.number, -1);
  if (!item || !item->content().starts_with("- ") || line.indent < item->indent + 2) return false;
  const std::optional<LineValue> name = value_of(*item);
  const std::optional<Line> owner = neighbour(item->number, -1);
  if (!name || key_length(name->text) != name->text.size() || !owner || !owner->text.ends_with(':')) return false;
  std::optional<Line> next = neighbour(line.number, 1);
  while (next && next->indent > item->indent) next = neighbour(next->number, 1);
  if (next && next->indent == item->indent && next->content().starts_with("- ")) return false;
  const std::vector<Edit> edits{Edit{item->offset + item->indent, 2, ""},
                                Edit{item->offset + name->begin + name->text.size(), 0, ":"}};
  return report(item->offset + item->indent, item->content().size(), edits,
                Words{"item-with-body", where(*item) + problem_.problem,
                      "a list item cannot have `" + std::string(key_of(line.content())) + "` below it",
                      "write `" + std::string(name->text) + ":` without the leading `- `", "make it a mapping"});
}

// Text that belongs to "command: >" and is not indented below it.
bool Repairer::block_text(const Line& line) {
  constexpr std::uint32_t reach = 60;
  for (std::uint32_t number = line.number; number >= 1 && number + reach > line.number; --number) {
    const Line header = line_at(source_, number);
    if (!opens_block_text(header)) continue;
    const std::optional<Line> first = neighbour(number, 1);
    const auto is_text = [&](const Line& each) {
      return each.indent > header.indent || (key_of(each.content()).empty() && !each.content().starts_with("- "));
    };
    if (!first || first->indent > header.indent || !is_text(*first)) return false;
    const std::size_t more = header.indent + 2 - first->indent;
    std::vector<Edit> edits;
    for (std::optional<Line> each = first; each && is_text(*each); each = neighbour(each->number, 1)) {
      edits.push_back(Edit{each->offset, 0, blanks(more)});
    }
    return report(first->offset + first->indent, first->content().size(), edits,
                  Words{"block-text", where(*first) + problem_.problem,
                        "the text of `" + std::string(header.content()) + "` must be indented more than that line",
                        "indent " + (edits.size() == 1 ? "this line" : std::to_string(edits.size()) + " lines") +
                            " by " + std::to_string(more) + " spaces more",
                        "indent the text"});
  }
  return false;
}

// "build: ." with "dockerfile: ..." below it.
bool Repairer::body_of_short_build(const Line& line) {
  if (!problem_is("mapping values are not allowed in this context")) return false;
  const std::optional<Line> above = neighbour(line.number, -1);
  const std::string_view key = key_of(line.content());
  if (!above || key_of(above->content()) != "build" || line.indent <= above->indent || !build_shape().find(key))
    return false;
  const std::optional<LineValue> value = value_of(*above);
  if (!value || value->text.empty()) return false;
  const std::size_t colon = above->text.rfind(':', value->begin);
  const std::string right = "context: " + std::string(value->text);
  const Edit edit{above->offset + colon + 1, value->begin + value->text.size() - colon - 1,
                  "\n" + blanks(line.indent) + right};
  return report(
      above->offset + value->begin, value->text.size(), std::span(&edit, 1),
      Words{"short-form-with-body", where(line) + problem_.problem, "`build` has a value here and a body below",
            "write `" + right + "` on its own line, next to `" + std::string(key) + "`", "write the long form"});
}

// A line that is indented slightly more or less than its neighbours in the same mapping.
bool Repairer::odd_indent(const Line& line) {
  const bool values = problem_is("mapping values are not allowed in this context");
  const bool fits = values || problem_is("did not find expected key") ||
                    problem_is("did not find expected '-' indicator") ||
                    problem_.problem.starts_with("could not find expected ':'");
  if (!fits || line.blank() || (values && key_of(line.content()).empty())) return false;
  const Line here = line_at(source_, problem_.at.line + 1);
  if (!values && here.content().starts_with("- ") && here.number != line.number) return false;  // misplaced item
  const std::optional<Line> owner = neighbour(line.number, -1);
  const auto takes_items = [&](const Line& other) {
    return other.content().starts_with("- ") || (owner && owner->number == other.number && other.text.ends_with(':'));
  };
  const bool item = line.content().starts_with("- ");
  std::size_t wanted = line.indent;
  std::size_t best = std::string::npos;
  for (std::uint32_t number = line.number; number-- > 1;) {
    const Line candidate = line_at(source_, number);
    if (candidate.blank()) continue;
    if (values) {  // too deep: use the nearest line above that is less deep
      if (candidate.indent >= line.indent) continue;
      wanted = candidate.indent;
      break;
    }
    if (item && !takes_items(candidate)) continue;
    const std::size_t distance =
        candidate.indent > line.indent ? candidate.indent - line.indent : line.indent - candidate.indent;
    if (distance > 0 && distance < best) {
      best = distance;
      wanted = candidate.indent;
    }
    if (candidate.indent == 0) break;
  }
  if (wanted == line.indent) return false;
  const bool slip = wanted + 1 == line.indent || line.indent + 1 == wanted;
  return replace(line.offset, line.indent, blanks(wanted),
                 Words{"bad-indentation", where(line) + problem_.problem,
                       "indented by " + std::to_string(line.indent) + ", its neighbours by " + std::to_string(wanted),
                       "indent the line by " + std::to_string(wanted) + " spaces", "indent it like its neighbours",
                       slip ? Certainty::certain : Certainty::guess});
}

// The first lines are indented more than the rest: "  version: ..." above "services:".
bool Repairer::indented_start(const Line& line) {
  if (!problem_is("did not find expected <document start>") || line.indent != 0) return false;
  std::vector<Edit> edits;
  std::optional<Line> first;
  for (std::optional<Line> above = neighbour(line.number, -1); above; above = neighbour(above->number, -1)) {
    if (above->indent == 0 || (first && above->indent != first->indent)) return false;
    first = above;
    edits.push_back(Edit{above->offset, above->indent, ""});
  }
  if (!first) return false;
  std::ranges::reverse(edits);
  return report(first->offset, first->indent, edits,
                Words{"bad-indentation", where(*first) + problem_.problem,
                      "indented by " + std::to_string(first->indent) + ", the lines below by 0",
                      "start the line with `" + std::string(key_of(first->content())) + "`", "remove the spaces",
                      Certainty::certain});
}

}  // namespace consort::compose
