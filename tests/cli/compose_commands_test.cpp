// Every command and flag of Docker Compose, against our table of commands: docs/reference/docker-compose.md.
// CONSORT_UPDATE_DOCS=1 writes that page anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <vector>

#include "base/os/file.hpp"
#include "cli/args/aliases.hpp"
#include "cli/args/command.hpp"
#include "cli/room.hpp"

namespace consort::cli {
namespace {

const std::string page_path = std::string(CONSORT_SOURCE_ROOT) + "/docs/reference/docker-compose.md";
constexpr const char* differences = "[differs](../differences.md)";

// By "COMMAND", or "COMMAND --FLAG".
const std::map<std::string, std::string, std::less<>> notes{
    {"alpha generate", "not here: write the file by hand; `config` says what is wrong with it"},
    {"alpha publish", "not here: it is `publish`"},
    {"publish --app", differences},
    {"bridge", "not here: Consort runs the file itself"},
    {"build --builder", differences},
    {"build --provenance", differences},
    {"build --sbom", differences},
    {"config", differences},
    {"config --hash", differences},
    {"config --variables", differences},
    {"down", differences},
    {"events --since", differences},
    {"events --until", differences},
    {"logs --follow", differences},
    {"logs --tail", differences},
    {"restart", differences},
    {"run --rm", differences},
    {"run --interactive", differences},
    {"start", differences},
    {"up --wait", differences},
    {"wait", differences},
    {"watch", differences},
};

using Flags = std::vector<std::string>;
using Commands = std::vector<std::pair<std::string, Flags>>;

void read_help(const std::string& file, Commands& into) {
  const auto text = read_file(std::string(CONSORT_TEST_DATA) + "/" + file);
  ASSERT_TRUE(text);
  std::istringstream lines(*text);
  Flags* flags = nullptr;
  for (std::string kind, name; lines >> kind && std::getline(lines >> std::ws, name);) {
    if (kind == "command") {
      auto found = std::ranges::find(into, name, &Commands::value_type::first);
      if (found == into.end()) found = into.insert(into.end(), {name, {}});
      flags = &found->second;
    } else {
      ASSERT_TRUE(flags);
      flags->push_back(name);
    }
  }
}

bool has_flag(std::span<const Flag> flags, const std::string& name) {
  return std::ranges::find(flags, name, &Flag::name) != flags.end();
}

// What is said of it, or of the command that it is under.
std::string note_of(const std::string& command, const std::string& key) {
  if (const auto found = notes.find(key); found != notes.end()) return found->second;
  for (const auto& [name, note] : notes)
    if (note.starts_with("not here") && (command == name || command.starts_with(name + " "))) return note;
  return "";
}

bool is_here(const std::string& command, const std::string& flag) {
  if (command == "-") return has_flag(global_flags(), flag) || has_flag(common_flags(), flag);
  const Command* found = find_command(command);
  return found && (has_flag(found->flags, flag) || has_flag(common_flags(), flag));
}

Commands all_commands() {
  Commands all;
  read_help("compose-help.txt", all);
  read_help("compose-help-5.txt", all);
  return all;
}

std::string page_of(const Commands& all) {
  std::string page =
      "# Docker Compose's commands\n\nMade from the recorded `--help` of Docker Compose 2.40.3, from what 5.8 adds, "
      "and from "
      "Consort's own table by the test `ComposeCommands`.\n*same*: it is there and means the same. What Consort has "
      "beside "
      "these is in [commands](commands.md).\n\n| command | flag | |\n|---|---|---|\n";
  for (const auto& [command, flags] : all) {
    const std::string name = command == "-" ? "(before the command)" : "`" + command + "`";
    std::string note = note_of(command, command);
    page += "| " + name + " | | " + (note.empty() ? "same" : note) + " |\n";
    if (note.starts_with("not here")) continue;
    for (const std::string& flag : flags) {
      if (flag == "dry-run" && command != "-") continue;
      note = note_of(command, command + " --" + flag);
      page += "| | `--" + flag + "` | " + (note.empty() ? "same" : note) + " |\n";
    }
  }
  return page;
}

TEST(ComposeCommands, HaveAllTheirFlagsOrAReason) {
  const Commands all = all_commands();
  ASSERT_GT(all.size(), 35U);
  for (const auto& [command, flags] : all) {
    if (note_of(command, command).starts_with("not here")) {
      EXPECT_EQ(find_command(command), nullptr) << command << " is there, and the list says otherwise";
      continue;
    }
    EXPECT_TRUE(command == "-" || command == "alpha" || find_command(command)) << command << " is missing";
    for (const std::string& flag : flags)
      EXPECT_TRUE(command == "alpha" || is_here(command, flag)) << command << " --" << flag << " is missing";
  }
}

TEST(ComposeCommands, AreListedInTheReference) {
  const std::string page = page_of(all_commands());
  if (std::getenv("CONSORT_UPDATE_DOCS")) {
    ASSERT_TRUE(write_file_atomic(page_path, page));
  }
  const auto written = read_file(page_path);
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, page) << "CONSORT_UPDATE_DOCS=1 test_cli writes it anew";
}

TEST(Aliases, AreDockersOtherNames) {
  const auto resolved = [](std::vector<std::string> words) {
    resolve_aliases(words);
    return words;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(resolved({"container", "ls", "-a"}), (Words{"ps", "--all-projects", "-a"}));
  EXPECT_EQ(resolved({"container", "exec", "x", "ls"}), (Words{"exec", "x", "ls"}));
  EXPECT_EQ(resolved({"container", "prune"}), (Words{"container", "prune"}));
  EXPECT_EQ(resolved({"rmi", "a"}), (Words{"image", "rm", "a"}));
  EXPECT_EQ(resolved({"convert"}), (Words{"config"}));
  EXPECT_EQ(resolved({"up", "convert"}), (Words{"up", "convert"}));
  EXPECT_EQ(resolved({}), Words{});
}

TEST(Aliases, LeaveTheFlagsOfDockerBeforeItsPlugIn) {
  const auto taken = [](std::vector<std::string> words, const std::string& config = "") {
    EXPECT_EQ(take_docker_flags(words), config);
    return words;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(taken({"compose", "up"}), (Words{"up"}));
  EXPECT_EQ(taken({"--context", "x", "--tls", "compose", "-p", "a", "up"}), (Words{"-p", "a", "up"}));
  EXPECT_EQ(taken({"--config=/c", "compose", "up"}, "/c"), (Words{"up"}));
  EXPECT_EQ(taken({"-D", "up"}), (Words{"-D", "up"}));
  EXPECT_EQ(taken({"run", "compose"}), (Words{"run", "compose"}));
  EXPECT_EQ(taken({"-H"}), (Words{"-H"}));
}

TEST(Commands, MakeRoomIfTheyStopOrRemove) {
  std::vector<std::string> found;
  for (const Command& command : commands())
    if (makes_room(command.name)) found.emplace_back(command.name);
  EXPECT_THAT(found, testing::UnorderedElementsAre("builder prune", "container prune", "down", "image prune",
                                                   "image rm", "internal sweep", "job prune", "job rm", "kill",
                                                   "network prune", "network rm", "rm", "runtime kill", "stop",
                                                   "system prune", "volume prune", "volume rm"));
}

}  // namespace
}  // namespace consort::cli
