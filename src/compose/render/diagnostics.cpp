#include <algorithm>
#include <utility>

#include "base/cells.hpp"
#include "base/json.hpp"
#include "base/letters.hpp"
#include "base/strings.hpp"
#include "base/version.hpp"
#include "compose/diagnostic.hpp"
#include "compose/excerpt.hpp"

namespace consort::compose {

namespace {

constexpr std::size_t shown_width = 160;  // longer lines are cut around the mark

struct Paint {
  Colour colour;
  std::size_t columns = 0;  // of the terminal; 0: not a terminal
  std::string operator()(std::string_view code, std::string text) const {
    if (colour == Colour::never || text.empty()) return text;
    return "\x1B[" + std::string(code) + "m" + text + "\x1B[0m";
  }
};

// Replaces control characters, which would affect the terminal, and invalid bytes. Keeps the column count.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const Letter letter = first_letter(text.substr(i));
    if (!letter.valid) {
      const bool continues = (letter.bytes[0] & '\xC0') == '\x80';
      if (!continues || i == 0) out += '?';
    } else if (letter.point == '\t') {
      out += ' ';
    } else if (steers_terminal(letter)) {
      out += '?';
    } else {
      out += letter.bytes;
    }
    i += letter.bytes.size();
  }
  return out;
}

// Number of bytes of the first `count` code points.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t i = 0;
  while (i < text.size() && count > 0) {
    ++i;
    while (i < text.size() && (text[i] & '\xC0') == '\x80') ++i;
    --count;
  }
  return i;
}

std::string shortened(std::string text) {
  constexpr std::size_t longest = 500;
  if (text.size() <= longest) return text;
  return text.substr(0, bytes_of(text, longest)) + " ...";
}

// A line of the user's file: the text before the mark, the marked text and the text after it, cut to a number of cells.
struct Excerpt {
  std::string text;
  std::size_t indent = 0, carets = 1;  // cells
};

Excerpt excerpt_of(const std::string& line, const Mark& mark, std::size_t width) {
  constexpr std::string_view gap = "... ";
  const std::string shown = printable(line);
  const std::size_t begin = bytes_of(shown, mark.column > 0 ? mark.column - 1 : 0);
  const std::size_t end =
      begin + bytes_of(std::string_view(shown).substr(begin), std::max<std::size_t>(mark.length, 1));
  const std::string_view before = std::string_view(shown).substr(0, begin);
  Excerpt made{shown, cells_of(before), cells_of(std::string_view(shown).substr(begin, end - begin))};
  if (cells_of(shown) > std::min(width, shown_width)) {
    std::size_t skip = 0;
    while (made.indent > std::min(width, shown_width) / 2) {
      const std::size_t letter = first_letter(before.substr(skip)).bytes.size();
      made.indent -= cells_of(before.substr(skip, letter));
      skip += letter;
    }
    const std::string_view before_it = skip > 0 ? gap : "";
    const std::string_view rest = std::string_view(shown).substr(skip);
    made.indent += before_it.size();
    const std::size_t room = width - std::min(width, 2 * gap.size());
    made.text = std::string(before_it) +
                (cells_of(rest) > room ? std::string(cut_to_cells(rest, room)) + " ..." : std::string(rest));
  }
  const std::size_t cells = cells_of(made.text);
  const std::size_t rest = cells > made.indent ? cells - made.indent : 1;
  made.carets = std::clamp<std::size_t>(made.carets, 1, rest);
  return made;
}

void show_place(std::string& out, const Mark& mark, const std::string& line, const std::string& label,
                std::string_view code, const Paint& paint, std::string_view arrow) {
  out += paint("34", "  " + std::string(arrow) + " ") + printable(mark.file);
  if (mark.line > 0) out += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  out += '\n';
  if (mark.line == 0 || line.empty()) return;
  const std::string number = std::to_string(mark.line);
  const std::string gutter = " " + std::string(number.size(), ' ') + " | ";
  constexpr std::size_t narrowest = 16;
  const std::size_t width =
      paint.columns == 0 ? shown_width + 8  // including the ellipses where text was cut
                         : std::clamp(paint.columns - std::min(paint.columns, gutter.size()), narrowest, shown_width);
  const Excerpt excerpt = excerpt_of(line, mark, width);
  out += " " + paint("34", number + " | ") + excerpt.text + "\n";
  out += " " + paint("34", gutter.substr(1)) + std::string(excerpt.indent, ' ');
  const std::string said = printable(label);
  // Text that does not fit after the caret goes below it.
  const bool fits = paint.columns == 0 || excerpt.indent + excerpt.carets + 1 + cells_of(said) <= width;
  out += paint(code, std::string(excerpt.carets, '^') + (said.empty() || !fits ? "" : " " + said)) + "\n";
  if (!said.empty() && !fits) out += " " + paint("34", gutter.substr(1)) + paint(code, said) + "\n";
}

}  // namespace

std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour) {
  return render_diagnostic(diagnostic, colour, 0);
}

std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour, std::size_t columns) {
  const Paint paint{colour, columns};
  const bool error = diagnostic.severity == Severity::error;
  const std::string_view code = error ? "1;31" : "1;33";
  std::string out = paint(code, error ? "error" : "warning") + ": ";
  const std::vector<std::string> lines = split(diagnostic.message, '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) out += (i > 0 ? "  " : "") + shortened(printable(lines[i])) + "\n";
  if (!diagnostic.mark.file.empty()) {
    show_place(out, diagnostic.mark, diagnostic.line_text, diagnostic.label, code, paint, "-->");
  }
  for (const RelatedMark& each : diagnostic.related) {
    if (!each.mark.file.empty()) show_place(out, each.mark, each.line_text, each.label, "34", paint, ":::");
  }
  if (!diagnostic.help.empty()) {
    bool first = true;
    for (const std::string& line : split(diagnostic.help, '\n')) {
      out += (first ? "  " + paint("36", "help") + ": " : std::string(8, ' ')) + printable(line) + "\n";
      first = false;
    }
  }
  return out;
}

std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour) {
  return render_diagnostics(diagnostics, colour, 0);
}

std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour, std::size_t columns) {
  std::string out;
  for (const Diagnostic& each : diagnostics) {
    if (!out.empty()) out += '\n';
    out += render_diagnostic(each, colour, columns);
  }
  return out;
}

namespace {

Json mark_json(const Mark& mark) {
  return Json{{"file", mark.file}, {"line", mark.line}, {"column", mark.column}, {"length", mark.length}};
}

Json fixes_json(const Diagnostic& diagnostic) {
  Json fixes = Json::array();
  for (const Fix& fix : diagnostic.fixes) {
    Json edits = Json::array();
    for (const TextEdit& edit : fix.edits) {
      if (edit.file.empty()) continue;
      edits.push_back(Json{
          {"file", edit.file}, {"offset", edit.offset}, {"length", edit.length}, {"replacement", edit.replacement}});
    }
    fixes.push_back(Json{{"title", fix.title}, {"certain", fix.certainty == Certainty::certain}, {"edits", edits}});
  }
  return fixes;
}

}  // namespace

std::string diagnostics_json(const std::vector<Diagnostic>& diagnostics) {
  Json out = Json::array();
  for (const Diagnostic& each : diagnostics) {
    Json related = Json::array();
    for (const RelatedMark& other : each.related) {
      Json item = mark_json(other.mark);
      item["label"] = other.label;
      related.push_back(std::move(item));
    }
    Json item{{"severity", each.severity == Severity::error ? "error" : "warning"},
              {"code", each.code},
              {"message", each.message}};
    item.update(mark_json(each.mark));
    item["line_text"] = each.line_text;
    item["label"] = each.label;
    item["help"] = each.help;
    item["fixes"] = fixes_json(each);
    item["related"] = std::move(related);
    out.push_back(std::move(item));
  }
  return dump_json(out, 2) + "\n";
}

std::string diagnostics_sarif(const std::vector<Diagnostic>& diagnostics) {
  Json results = Json::array();
  for (const Diagnostic& each : diagnostics) {
    Json result{{"ruleId", each.code},
                {"level", each.severity == Severity::error ? "error" : "warning"},
                {"message", {{"text", each.message + (each.help.empty() ? "" : "\n" + each.help)}}}};
    if (!each.mark.file.empty()) {
      Json location{{"artifactLocation", {{"uri", each.mark.file}}}};
      if (each.mark.line > 0) {
        location["region"] = Json{{"startLine", each.mark.line},
                                  {"startColumn", each.mark.column},
                                  {"endColumn", each.mark.column + std::max(each.mark.length, 1U)}};
      }
      result["locations"] = Json::array({Json{{"physicalLocation", location}}});
    }
    results.push_back(std::move(result));
  }
  const Json driver{{"name", "consort"}, {"version", version}, {"informationUri", "https://consort.dev"}};
  const Json run{{"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", results}};
  return dump_json(Json{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                        {"version", "2.1.0"},
                        {"runs", Json::array({run})}},
                   2) +
         "\n";
}

std::string apply_fixes(std::string_view text, const std::string& file, const std::vector<Diagnostic>& diagnostics) {
  std::vector<TextEdit> edits;
  const auto overlaps = [&](const TextEdit& edit) {
    return std::ranges::any_of(edits, [&](const TextEdit& other) {
      const bool same_start = edit.offset == other.offset && (edit.length == 0) == (other.length == 0);
      return same_start || (edit.offset < other.offset + other.length && other.offset < edit.offset + edit.length);
    });
  };
  for (const Diagnostic& diagnostic : diagnostics) {
    for (const Fix& fix : diagnostic.fixes) {
      if (fix.certainty != Certainty::certain) continue;
      const bool fits = std::ranges::none_of(fix.edits, [&](const TextEdit& edit) {
        return edit.file.empty() || (edit.file == file && (overlaps(edit) || edit.offset + edit.length > text.size()));
      });
      if (!fits) continue;
      for (const TextEdit& edit : fix.edits) {
        if (edit.file == file) edits.push_back(edit);
      }
      break;  // one fix for each diagnostic
    }
  }
  std::ranges::stable_sort(edits, [](const TextEdit& a, const TextEdit& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.length < b.length;
  });
  std::string out;
  std::size_t at = 0;
  for (const TextEdit& edit : edits) {
    out += text.substr(at, edit.offset - at);
    out += edit.replacement;
    at = edit.offset + edit.length;
  }
  out += text.substr(at);
  return out;
}

Error to_error(const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& each : diagnostics) {
    if (each.severity != Severity::error) continue;
    Error error(Code::invalid, each.message);
    error = std::move(error).hint(each.help);
    return each.mark.file.empty() ? std::move(error) : std::move(error).at(each.mark);
  }
  return Error(Code::internal, "no diagnostic");
}

}  // namespace consort::compose
