// The command table: one entry per command, with its flags. Help, man pages, completion and dispatch all use this
// table, so none of them can miss a flag.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/args/flags.hpp"

namespace consort::cli {

struct Invocation;

// Runs the command and returns its exit status. The caller prints errors.
using Handler = Result<int> (*)(Invocation&);

struct ArgumentCount {
  std::size_t least = 0;
  std::size_t most = static_cast<std::size_t>(-1);
};

enum class Shown : std::uint8_t { yes, hidden };
enum class Store : std::uint8_t { used, unused };       // unused: needs no store of images, containers and networks
enum class WayOut : std::uint8_t { unneeded, needed };  // needed: its containers need a route to the outside
enum class Room : std::uint8_t { taken, made };  // made: it stops or removes something, and must work on a full disk
// A command with SERVICE: whether any container of the machine will do as well.
enum class Takes : std::uint8_t { services, services_or_containers };

struct Command {
  std::string_view name;       // "up"; for a subcommand: "image load"
  std::string_view arguments;  // "[SERVICE...]"
  std::string_view summary;    // one line, capitalized, without a full stop
  std::span<const Flag> flags;
  ArgumentCount count;
  FlagPlace place = FlagPlace::anywhere;
  Handler run = nullptr;
  Shown shown = Shown::yes;
  std::string_view details = {};  // further paragraphs of --help
  Store store = Store::used;
  WayOut way_out = WayOut::unneeded;
  Room room = Room::taken;
  Takes takes = Takes::services;
};

// A group in --help. The first group is shown with summaries, the others only with names; a name may stand for all
// commands that begin with it ("image").
struct CommandGroup {
  std::string_view title;
  std::span<const std::string_view> names;
};

std::span<const Command> commands();  // sorted by name
std::span<const CommandGroup> command_groups();
const Command* find_command(std::string_view name);
std::span<const Flag> global_flags();  // given before the command
std::span<const Flag> common_flags();  // accepted by every command: --dry-run, --help

// "Usage: ..." of the program and of a command, wrapped to `columns`.
std::string program_help(std::string_view program);
std::string command_help(std::string_view program, const Command& command);
// Help for the commands that begin with a word ("image"); "" if there are none.
std::string group_help(std::string_view program, std::string_view word);
std::string reference();                         // Markdown reference of all commands
std::string man_page(const Command* command);    // roff; null: the page of the program
std::string completion(std::string_view shell);  // bash, zsh, fish; "" for another
// The flags for --help, formatted as a block: "  -f, --file FILE   text".
std::string flag_block(std::span<const Flag> flags, std::size_t columns);

}  // namespace consort::cli
