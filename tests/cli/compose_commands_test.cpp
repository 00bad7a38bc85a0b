// Every command and flag of Docker Compose, and those of docker that are about one machine, against our table of
// commands: docs/reference/docker-compose.md and docker.md. CONSORT_UPDATE_DOCS=1 writes these pages anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/args/aliases.hpp"
#include "cli/args/command.hpp"
#include "cli/args/completing.hpp"
#include "cli/commands/cluster/cluster.hpp"

namespace consort::cli {
namespace {

constexpr const char* differences = "[differs](../differences.md)";
constexpr const char* of_a_swarm = "not here: only for a swarm";
constexpr const char* one_builder = "not here: there is one builder, without a daemon";

// By "COMMAND", or "COMMAND --FLAG".
using Notes = std::map<std::string, std::string, std::less<>>;

const Notes compose_notes{
    {"alpha publish", "same as `publish`"},
    {"bridge convert", differences},
    {"publish --app", differences},
    {"build --builder", differences},
    {"build --provenance", differences},
    {"build --sbom", differences},
    {"config", differences},
    {"config --hash", differences},
    {"config --variables", differences},
    {"down", differences},
    {"events --since", differences},
    {"events --until", differences},
    {"job logs --follow", differences},
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

const Notes docker_notes{
    {"builder build", "not here: `build` builds services; `docker build` works with `serve`"},
    {"builder prune --builder", one_builder},
    {"builder prune --debug", one_builder},
    {"builder prune --filter", "not here: it removes the whole cache"},
    {"builder prune --max-used-space", "not here: it removes the whole cache"},
    {"builder prune --min-free-space", "not here: it removes the whole cache"},
    {"builder prune --reserved-space", "not here: it removes the whole cache"},
    {"builder prune --verbose", "not here: it removes the whole cache"},
    {"container create --gpus", "not here: use `--device`"},
    {"container create --kernel-memory", "not here: kernels since 5.4 ignore it"},
    {"container create --use-api-socket", "not here: there is no daemon; use `serve` and `--volume`"},
    {"container exec --detach-keys", "not here: always ctrl-p,ctrl-q"},
    {"container logs --details", "not here: logs have no extra attributes"},
    {"container ls --size", "not here: `inspect --size` shows it"},
    {"container prune --filter", "not here: it removes all stopped containers"},
    {"container restart --signal", "not here: use `kill --signal`, or set the container's stop signal"},
    {"container rm --link", "not here: links on the default network are removed with their container"},
    {"container run --gpus", "not here: use `--device`"},
    {"container run --kernel-memory", "not here: kernels since 5.4 ignore it"},
    {"container run --use-api-socket", "not here: there is no daemon; use `serve` and `--volume`"},
    {"container start --attach", "not here: use `attach` or `run`"},
    {"container start --detach-keys", "not here: use `attach --detach-keys`"},
    {"container start --interactive", "not here: use `attach` or `run`"},
    {"container stop --signal", "not here: use `kill --signal`, or set the container's stop signal"},
    {"image build", "not here: `build` builds services; `docker build` works with `serve`"},
    {"image history --human",
     "not here: sizes and dates are always human-readable; use `--format json` for exact values"},
    {"image ls --tree", "not here: each platform of an image has its own line"},
    {"image prune --filter", "not here: `image prune --dry-run` shows what would be removed"},
    {"image pull --all-tags", "not here: name the tags"},
    {"image push --all-tags", "not here: name the tags"},
    {"image rm --no-prune", "not here: images have no parent images to keep"},
    {"image rm --platform", "not here: each platform of an image has its own ID"},
    {"network create --config-from", of_a_swarm},
    {"network create --config-only", of_a_swarm},
    {"network create --ingress", of_a_swarm},
    {"network create --scope", of_a_swarm},
    {"network inspect --verbose", of_a_swarm},
    {"search", "not here: use the registry's web page"},
    {"system df --verbose", "not here: use `images`, `volume ls` and `ps`"},
    {"system events", "not here: `events` shows those of a project"},
    {"system prune --filter", "not here: `system prune --dry-run` shows what would be removed"},
    {"volume update", of_a_swarm},
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
      if (std::ranges::find(*flags, name) == flags->end()) flags->push_back(name);
    }
  }
}

// A page of the reference: the commands of one program.
struct Page {
  std::string title, introduction, file;
  const Notes& notes;
  Commands commands{};

  // What is said of it, or of the command that it is under.
  std::string note_of(const std::string& command, const std::string& key) const {
    if (const auto found = notes.find(key); found != notes.end()) return found->second;
    for (const auto& [name, note] : notes)
      if (note.starts_with("not here") && (command == name || command.starts_with(name + " "))) return note;
    return "";
  }
  std::string path() const { return std::string(CONSORT_SOURCE_ROOT) + "/docs/reference/" + file; }
  std::string text() const;
};

Page compose_page() {
  Page page{
      .title = "Docker Compose's commands",
      .introduction =
          "Generated by the test `ComposeCommands` from the recorded `--help` of Docker Compose 2.40.3, from what "
          "5.8 adds (with `docker job`), and from Consort's own table.",
      .file = "docker-compose.md",
      .notes = compose_notes};
  read_help("compose-help.txt", page.commands);
  read_help("compose-help-5.txt", page.commands);
  return page;
}

Page docker_page() {
  Page page{
      .title = "Docker's commands",
      .introduction =
          "Generated by the test `ComposeCommands` from the recorded `--help` of Docker 28.5.2 and from Consort's "
          "own table: the commands of `docker` that work on this machine. `docker ps`, `docker rmi` and "
          "the like are short for one of these, also after `consort`. Commands that Compose also has "
          "(`ps`, `exec`, `rm`, ...) accept the name of any container; `container ls` is "
          "`ps --all-projects`.",
      .file = "docker.md",
      .notes = docker_notes};
  read_help("docker-help.txt", page.commands);
  return page;
}

std::string Page::text() const {
  std::string text = "# " + title + "\n\n" + introduction +
                     "\n*same*: it works the same way. [Commands](commands.md) lists everything that Consort "
                     "has.\n\n| command | flag | |\n|---|---|---|\n";
  for (const auto& [command, flags] : commands) {
    const std::string name = command == "-" ? "(before the command)" : "`" + command + "`";
    std::string note = note_of(command, command);
    text += "| " + name + " | | " + (note.empty() ? "same" : note) + " |\n";
    if (note.starts_with("not here")) continue;
    for (const std::string& flag : flags) {
      if ((flag == "dry-run" && command != "-") || flag == "help") continue;
      note = note_of(command, command + " --" + flag);
      text += "| | `--" + flag + "` | " + (note.empty() ? "same" : note) + " |\n";
    }
  }
  return text;
}

bool has_flag(std::span<const Flag> flags, const std::string& name) {
  return std::ranges::find(flags, name, &Flag::name) != flags.end();
}

const Command* command_of(const std::string& name) {
  std::vector<std::string> words = split(name, ' ');
  resolve_aliases(words);
  std::erase_if(words, [](const std::string& word) { return word.starts_with("--"); });
  return find_command(join(words, " "));
}

bool is_group(const std::string& name) {
  return !group_help("consort", name).empty();
}

bool is_here(const std::string& command, const std::string& flag) {
  if (command == "-") return has_flag(global_flags(), flag) || has_flag(common_flags(), flag);
  const Command* found = command_of(command);
  return (found && has_flag(found->flags, flag)) || has_flag(common_flags(), flag);
}

void expect_all(const Page& page) {
  ASSERT_GT(page.commands.size(), 35U);
  for (const auto& [command, flags] : page.commands) {
    if (page.note_of(command, command).starts_with("not here")) {
      EXPECT_EQ(command_of(command), nullptr) << command << " is there, and the list says otherwise";
      continue;
    }
    EXPECT_TRUE(command == "-" || is_group(command) || command_of(command)) << command << " is missing";
    for (const std::string& flag : flags) {
      const bool said = page.note_of(command, command + " --" + flag).starts_with("not here");
      EXPECT_NE(is_here(command, flag), said) << command << " --" << flag << (said ? " is there" : " is missing");
    }
  }
}

void expect_listed(const Page& page) {
  if (std::getenv("CONSORT_UPDATE_DOCS")) {
    ASSERT_TRUE(write_file_atomic(page.path(), page.text()));
  }
  const auto written = read_file(page.path());
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, page.text()) << "CONSORT_UPDATE_DOCS=1 test_cli writes it anew";
}

TEST(ComposeCommands, HaveAllTheirFlagsOrAReason) {
  expect_all(compose_page());
  expect_all(docker_page());
}

TEST(ComposeCommands, AreListedInTheReference) {
  expect_listed(compose_page());
  expect_listed(docker_page());
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
    if (command.room == Room::made) found.emplace_back(command.name);
  EXPECT_THAT(found, testing::UnorderedElementsAre("builder prune", "container prune", "down", "image prune",
                                                   "image rm", "internal remove-ended", "internal sweep", "job prune",
                                                   "job rm", "kill", "network prune", "network rm", "rm", "stop",
                                                   "system prune", "volume prune", "volume rm"));
}

// A command that is renamed is not forgotten where it is named.
TEST(Commands, AreWhatListsElsewhereName) {
  for (const std::string_view name : commands_with_own_values()) EXPECT_TRUE(find_command(name)) << name;
  for (const std::string_view name : cluster_commands()) EXPECT_TRUE(find_command(name)) << name;
  for (const std::string_view target : alias_targets())
    EXPECT_TRUE(find_command(target.substr(0, target.find(" -")))) << target;
  for (const CommandGroup& group : command_groups())
    for (const std::string_view name : group.names)
      EXPECT_TRUE(find_command(name) || !group_help("consort", name).empty()) << name;
}

}  // namespace
}  // namespace consort::cli
