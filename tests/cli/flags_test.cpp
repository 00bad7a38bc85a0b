#include "cli/args/flags.hpp"

#include <gtest/gtest.h>

#include "cli/args/command.hpp"

namespace consort::cli {
namespace {

using enum FlagKind;
constexpr Flag flags[] = {
    {"all", 'a', boolean},     {"detach", 'd', boolean}, {"env", 'e', list},
    {"timeout", 't', integer}, {"format", 0, text},      {"provenance", 0, text, "", "", "", false, "true"},
};

ParsedArguments parse(std::vector<std::string> words, FlagPlace place = FlagPlace::anywhere) {
  auto parsed = parse_flags(flags, place, words);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? std::move(*parsed) : ParsedArguments{};
}

std::string failure(std::vector<std::string> words) {
  const auto parsed = parse_flags(flags, FlagPlace::anywhere, words);
  return parsed ? "" : parsed.error().message();
}

TEST(Flags, DockersOtherSpellingsStandForAFlagThatIsThere) {
  constexpr Flag some[] = {{"label", 'l', list}, {"no-TTY", 'T', boolean}, {"volume", 'v', list}};
  const std::vector<std::string> words{"--volumes", "a:/a", "--volume", "b:/b", "--labels=x=y", "--no-tty"};
  const auto parsed = parse_flags(some, FlagPlace::anywhere, words);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->flags.list("volume"), (std::vector<std::string>{"a:/a", "b:/b"}));
  EXPECT_EQ(parsed->flags.list("label"), (std::vector<std::string>{"x=y"}));
  EXPECT_TRUE(parsed->flags.on("no-TTY"));
  EXPECT_EQ(failure({"--volumes", "a:/a"}), "unknown flag: --volumes");
}

TEST(Flags, EverySpelling) {
  EXPECT_EQ(parse({"--format", "json"}).flags.text("format"), "json");
  EXPECT_EQ(parse({"--format=json"}).flags.text("format"), "json");
  EXPECT_EQ(parse({"-t5"}).flags.integer("timeout"), 5);
  EXPECT_EQ(parse({"-t", "-1"}).flags.integer("timeout"), -1);
  EXPECT_EQ(parse({"-t=7"}).flags.integer("timeout"), 7);
  EXPECT_TRUE(parse({"-ad"}).flags.on("detach"));
  EXPECT_EQ(parse({"-adt", "3"}).flags.integer("timeout"), 3);
  EXPECT_FALSE(parse({"--all=false"}).flags.on("all"));
  EXPECT_TRUE(parse({"--all=false"}).flags.has("all"));
  EXPECT_EQ(parse({"-e", "A=1", "--env", "B=2"}).flags.list("env"), (std::vector<std::string>{"A=1", "B=2"}));
  EXPECT_EQ(parse({"--provenance"}).flags.text("provenance"), "true");
}

TEST(Flags, ABooleanWithTheDefaultTrueIsOnUnlessItIsTurnedOff) {
  constexpr Flag pausing[] = {{"pause", 'p', boolean, "", "", "true"}};
  const auto on = [&](std::vector<std::string> words) {
    return parse_flags(pausing, FlagPlace::anywhere, words).value().flags.on("pause");
  };
  EXPECT_TRUE(on({}));
  EXPECT_TRUE(on({"-p"}));
  EXPECT_FALSE(on({"--pause=false"}));
}

TEST(Flags, PlaceOfArguments) {
  EXPECT_EQ(parse({"web", "-a", "db"}).arguments, (std::vector<std::string>{"web", "db"}));
  const ParsedArguments command = parse({"-d", "web", "ls", "-a"}, FlagPlace::before_arguments);
  EXPECT_EQ(command.arguments, (std::vector<std::string>{"web", "ls", "-a"}));
  EXPECT_FALSE(command.flags.on("all"));
  EXPECT_EQ(parse({"--", "-a"}).arguments, (std::vector<std::string>{"-a"}));
  EXPECT_EQ(parse({"-"}).arguments, (std::vector<std::string>{"-"}));
}

TEST(Flags, ErrorsInTheWordsOfPflag) {
  EXPECT_EQ(failure({"--foo"}), "unknown flag: --foo");
  EXPECT_EQ(failure({"-ax"}), "unknown shorthand flag: 'x' in -ax");
  EXPECT_EQ(failure({"--format"}), "flag needs an argument: --format");
  EXPECT_EQ(failure({"-t"}), "flag needs an argument: 't' in -t");
  EXPECT_EQ(failure({"-t", "x"}),
            "invalid argument \"x\" for \"-t, --timeout\" flag: strconv.ParseInt: parsing \"x\": invalid syntax");
  EXPECT_EQ(
      failure({"--all=perhaps"}),
      "invalid argument \"perhaps\" for \"-a, --all\" flag: strconv.ParseBool: parsing \"perhaps\": invalid syntax");
}

TEST(Flags, ANearFlagIsOffered) {
  const std::vector<std::string> words{"--detatch"};
  const auto parsed = parse_flags(flags, FlagPlace::anywhere, words);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().hint_text(), "did you mean --detach?");
}

TEST(Commands, TheTableIsConsistent) {
  std::string_view before;
  for (const Command& command : commands()) {
    EXPECT_LT(before, command.name) << "sorted by name";
    before = command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    std::string shorthands;
    std::string_view flag_before;
    for (const Flag& flag : command.flags) {
      EXPECT_LT(flag_before, flag.name) << command.name;
      flag_before = flag.name;
      EXPECT_TRUE(flag.hidden || !flag.help.empty()) << command.name << " --" << flag.name;
      if (!flag.shorthand) continue;
      EXPECT_EQ(shorthands.find(flag.shorthand), std::string::npos) << command.name;
      shorthands += flag.shorthand;
    }
  }
}

TEST(Commands, HelpAndManKnowEveryCommand) {
  for (const Command& command : commands()) {
    if (command.shown != Shown::yes) continue;
    EXPECT_FALSE(man_page(&command).empty());
    const std::string text = command_help("consort", command);
    for (const Flag& flag : command.flags)
      EXPECT_TRUE(flag.hidden || text.contains("--" + std::string(flag.name))) << flag.name;
  }
}

TEST(Commands, CompletionIsThereForThreeShells) {
  for (const char* shell : {"bash", "zsh", "fish"}) EXPECT_NE(completion(shell), "");
  EXPECT_EQ(completion("tcsh"), "");
}

TEST(Commands, HelpIsWrapped) {
  EXPECT_EQ(flag_block(flags, 80).substr(0, 12), "  -a, --all ");
  constexpr Flag wide[] = {{"name", 'n', text, "", "One two three four five six seven eight nine ten eleven", "x"}};
  EXPECT_EQ(flag_block(wide, 50),
            "  -n, --name string   One two three four five six\n"
            "                      seven eight nine ten eleven\n"
            "                      (default \"x\")\n");
}

}  // namespace
}  // namespace consort::cli
