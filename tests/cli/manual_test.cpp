// Help, manual pages and reference: they must be complete, and must not refer to anything that does not exist.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "cli/args/command.hpp"
#include "cli/args/manual.hpp"

namespace consort::cli {
namespace {

TEST(Manual, EveryShownCommandStandsInOneGroup) {
  std::map<std::string_view, int> groups;
  for (const CommandGroup& group : command_groups())
    for (const std::string_view name : group.names) groups[name]++;
  for (const Command& command : commands()) {
    if (command.shown != Shown::yes) continue;
    const std::string_view word = command.name.substr(0, command.name.find(' '));
    EXPECT_EQ(groups[command.name] + (word == command.name ? 0 : groups[word]), 1) << command.name;
  }
  for (const auto& [name, count] : groups) {
    const bool known = std::ranges::any_of(commands(), [&, word = name](const Command& command) {
      return command.name == word || command.name.starts_with(std::string(word) + " ");
    });
    EXPECT_TRUE(known) << name;
  }
}

TEST(Manual, TheProgramsHelpFitsAScreen) {
  const std::string help = program_help("consort");
  EXPECT_LE(std::ranges::count(help, '\n'), 50) << help;
  std::size_t begin = 0;
  for (std::size_t end = help.find('\n'); end != std::string::npos; begin = end + 1, end = help.find('\n', begin))
    EXPECT_LE(end - begin, 80U) << help.substr(begin, end - begin);
}

TEST(Manual, ExamplesAreOfCommandsThatThereAre) {
  for (const Example& example : examples())
    EXPECT_TRUE(example.command.empty() || find_command(example.command)) << example.line;
}

TEST(Manual, FlagsOfExamplesAreThere) {
  for (const Example& example : examples()) {
    const Command* command = example.command.empty() ? nullptr : find_command(example.command);
    if (!command || !example.line.starts_with("consort " + std::string(command->name))) continue;
    // Arguments of the container's own program cannot be checked.
    if (command->place == FlagPlace::before_arguments) continue;
    for (std::size_t at = example.line.find(" --"); at != std::string_view::npos;
         at = example.line.find(" --", at + 3)) {
      const std::string_view rest = example.line.substr(at + 3);
      const std::string_view name = rest.substr(0, rest.find_first_of(" ="));
      const auto is_it = [&](const Flag& flag) { return flag.name == name; };
      EXPECT_TRUE(std::ranges::any_of(command->flags, is_it) || std::ranges::any_of(common_flags(), is_it))
          << example.line;
    }
  }
}

TEST(Manual, ThePageOfTheProgramHasWhatHoldsForAllCommands) {
  const std::string page = man_page(nullptr);
  for (const char* section : {".SH EXAMPLES", ".SH ENVIRONMENT", ".SH FILES", ".SH EXIT STATUS"})
    EXPECT_NE(page.find(section), std::string::npos) << section;
  EXPECT_NE(page.find("CONSORT_DATA_ROOT"), std::string::npos);
  EXPECT_NE(man_page(find_command("up")).find("consort up \\-\\-dry\\-run"), std::string::npos);
}

}  // namespace
}  // namespace consort::cli
