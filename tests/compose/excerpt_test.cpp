// The excerpt of the user's file below a diagnostic, on terminals of any width.
#include "compose/excerpt.hpp"

#include <gtest/gtest.h>

#include "base/cells.hpp"
#include "base/strings.hpp"

namespace consort::compose {
namespace {

Diagnostic at(std::string line, std::uint32_t column, std::uint32_t length, std::string label = {}) {
  Diagnostic made;
  made.message = "wrong";
  made.mark = Mark{"f", 7, column, length};
  made.line_text = std::move(line);
  made.label = std::move(label);
  return made;
}

TEST(Excerpt, CaretStandsUnderWideLetters) {
  EXPECT_EQ(render_diagnostic(at("a: {名前: [x]}", 10, 3), Colour::never),
            "error: wrong\n"
            "  --> f:7:10\n"
            " 7 | a: {名前: [x]}\n"
            "   |            ^^^\n");
}

TEST(Excerpt, FitsTheTerminalWithTheMarkInIt) {
  const std::string line =
      "      - type: bind   # " + std::string(60, 'x') + " source: WRONG, and more behind it, and more";
  const auto column = static_cast<std::uint32_t>(line.find("WRONG") + 1);
  for (const std::size_t columns : {30, 40, 80, 200}) {
    const auto lines =
        split(render_diagnostic(at(line, column, 5, "is not allowed here at all"), Colour::never, columns), '\n');
    ASSERT_GE(lines.size(), 4U);
    EXPECT_LE(cells_of(lines[2]), columns);
    EXPECT_LE(cells_of(lines[3]), columns);
    EXPECT_EQ(lines[2].find("WRONG"), lines[3].find("^^^^^")) << lines[2] << "\n" << lines[3];
  }
}

}  // namespace
}  // namespace consort::compose
