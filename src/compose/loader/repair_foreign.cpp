// Text that is not YAML at all: version control markers, other languages' comments, invisible characters.
#include <algorithm>
#include <array>

#include "compose/loader/repairer.hpp"

namespace consort::compose {

namespace {

struct OddCharacter {
  std::string_view bytes;
  std::string_view name;
  std::string_view right;
};
// Characters that look like a space, like nothing, or like the character that YAML requires.
constexpr std::array<OddCharacter, 10> odd_characters_known{{
    {"\xC2\xA0", "a no-break space (U+00A0)", " "},
    {"\xE2\x80\x83", "an em space (U+2003)", " "},
    {"\xE2\x80\xAF", "a narrow no-break space (U+202F)", " "},
    {"\xE3\x80\x80", "an ideographic space (U+3000)", "  "},
    {"\xE2\x80\x8B", "an invisible zero-width space (U+200B)", ""},
    {"\xE2\x80\x8D", "an invisible joiner (U+200D)", ""},
    {"\xEF\xBB\xBF", "an invisible byte order mark (U+FEFF)", ""},
    {"\xEF\xBC\x9A", "a full-width colon (U+FF1A)", ":"},
    {"\xE2\x80\x93", "an en dash (U+2013)", "-"},
    {"\xE2\x80\x94", "an em dash (U+2014)", "-"},
}};

const OddCharacter* odd_at(std::string_view text, std::size_t i) {
  const auto found = std::ranges::find_if(
      odd_characters_known, [&](const OddCharacter& each) { return text.substr(i).starts_with(each.bytes); });
  return found == odd_characters_known.end() ? nullptr : &*found;
}

std::string lines_text(std::uint32_t first, std::uint32_t last) {
  return "lines " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

// Before a quote, a comment or a value, where every character is part of the structure.
bool Repairer::odd_characters(const Line& line) {
  std::vector<Edit> edits;
  const OddCharacter* first = nullptr;
  bool dash_may_stand = true;
  for (std::size_t i = 0; i < line.text.size();) {
    const char c = line.text[i];
    if (c == '"' || c == '\'' || c == '#') break;
    const OddCharacter* odd = odd_at(line.text, i);
    if (odd && odd->right == "-" && !dash_may_stand) odd = nullptr;
    if (odd) {
      if (!first) first = odd;
      edits.push_back(Edit{line.offset + i, odd->bytes.size(), std::string(odd->right)});
    }
    dash_may_stand = dash_may_stand && (c == ' ' || (odd && odd->right == " "));
    const bool value_follows = c == ':' && i + 1 < line.text.size() && line.text[i + 1] == ' ';
    i += odd ? odd->bytes.size() : 1;
    if (value_follows && i < line.text.size() && !odd_at(line.text, i + 1)) break;
  }
  if (edits.empty()) return false;
  const std::string right = first->right.empty() ? "remove it" : "write `" + std::string(first->right) + "`";
  return report(edits[0].offset, 1, edits,
                Words{"odd-character", where(line) + "found " + std::string(first->name), std::string(first->name),
                      (first->right[0] == ' ' ? "replace it with a space" : right) +
                          "; such characters are often copied from web pages",
                      "replace it"});
}

// "<<<<<<< HEAD", "=======", ">>>>>>> branch": continues with the first of the two versions.
bool Repairer::merge_conflict(const Line& line) {
  if (!line.text.starts_with("<<<<<<< ")) return false;
  std::uint32_t middle = 0;
  for (std::uint32_t number = line.number + 1; number <= source_.line_count(); ++number) {
    const std::string_view text = source_.line(number);
    if (text.starts_with("=======")) middle = number;
    if (!text.starts_with(">>>>>>> ")) continue;
    if (middle == 0) return false;
    const std::size_t second = source_.offset_of(middle, 1);
    const std::size_t end = source_.offset_of(number, 1) + text.size();
    const std::array edits{Edit{line.offset, line.text.size(), ""}, Edit{second, end - second, ""}};
    return report(line.offset, line.text.size(), edits,
                  Words{"merge-conflict", where(line) + "a merge conflict that has not been resolved",
                        "left by git: two versions of what follows",
                        "keep one of the two versions (" + lines_text(line.number + 1, middle - 1) + ", or " +
                            lines_text(middle + 1, number - 1) + ") and remove the three lines with the markers",
                        "keep the first version", Certainty::guess});
  }
  return false;
}

bool Repairer::foreign_comment(const Line& line) {
  const std::string_view content = line.content();
  const bool block = content.starts_with("/*");
  if (!block && !content.starts_with("//") && !content.starts_with("<!--") && !content.starts_with("-- ")) return false;
  return replace(
      line.offset + line.indent, 0, "# ",
      Words{"foreign-comment", where(line) + "`" + std::string(content.substr(0, 2)) + "` does not start a comment",
            "meant as a comment?", "YAML comments start with `#`", "make it a comment"});
}

// "```yaml": the fence around a listing in Markdown.
bool Repairer::code_fence(const Line& line) {
  if (!line.text.starts_with("```") && !line.text.starts_with("~~~")) return false;
  std::vector<Edit> edits{Edit{line.offset, line.text.size(), ""}};
  for (std::uint32_t number = line.number + 1; number <= source_.line_count(); ++number) {
    const std::string_view text = source_.line(number);
    if (text.starts_with(line.text.substr(0, 3))) edits.push_back(Edit{source_.offset_of(number, 1), text.size(), ""});
  }
  return report(
      line.offset, line.text.size(), edits,
      Words{"code-fence", where(line) + "found character that cannot start any token",
            "a code fence, which is not part of the file", "remove the lines with ```", "remove the code fence"});
}

// A first line that is a command, copied along with its output.
bool Repairer::shell_prompt(const Line& line) {
  const std::string_view content = line.content();
  if (!content.starts_with("$ ") && !content.starts_with("# ") && !content.starts_with("% ")) return false;
  return replace(
      line.offset, 0, "# ",
      Words{"shell-prompt", where(line) + "mapping values are not allowed in this context", "a shell command?",
            "remove this line: it is not part of the file", "make it a comment", Certainty::guess});
}

}  // namespace consort::compose
