#include <algorithm>
#include <vector>

#include "base/strings.hpp"
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t columns = 80;

std::string_view kind_word(const Flag& flag) {
  if (!flag.value.empty()) return flag.value;
  switch (flag.kind) {
    case FlagKind::boolean:
      return "";
    case FlagKind::text:
      return "string";
    case FlagKind::list:
      return "stringArray";
    case FlagKind::integer:
      return "int";
  }
  return "";
}

std::string flag_head(const Flag& flag) {
  std::string head = flag.shorthand ? std::string("  -") + flag.shorthand + ", --" : std::string("      --");
  head += flag.name;
  if (const std::string_view word = kind_word(flag); !word.empty()) head += " " + std::string(word);
  return head;
}

std::string flag_text(const Flag& flag) {
  std::string text(flag.help);
  if (flag.fallback.empty()) return text;
  const bool bare = flag.kind == FlagKind::boolean || flag.kind == FlagKind::integer;
  return text + " (default " + (bare ? "" : "\"") + std::string(flag.fallback) + (bare ? ")" : "\")");
}

// Breaks lines at spaces, so that only an overlong word exceeds the width.
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& word : split(text, ' ')) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

}  // namespace

std::string flag_block(std::span<const Flag> flags, std::size_t width) {
  std::vector<const Flag*> shown;
  for (const Flag& flag : flags)
    if (!flag.hidden) shown.push_back(&flag);
  std::ranges::sort(shown, {}, [](const Flag* flag) { return flag->name; });
  std::size_t left = 0;
  for (const Flag* flag : shown) left = std::max(left, flag_head(*flag).size());
  std::string block;
  for (const Flag* flag : shown) {
    std::string head = flag_head(*flag);
    head.resize(left + 3, ' ');
    for (const std::string& line : wrap(flag_text(*flag), width - left - 3)) {
      block += head + line + "\n";
      head.assign(left + 3, ' ');
    }
  }
  return block;
}

namespace {

std::string summary_lines(std::span<const Command* const> shown) {
  std::size_t width = 0;
  for (const Command* command : shown) width = std::max(width, command->name.size());
  std::string block;
  for (const Command* command : shown) {
    std::string name(command->name);
    name.resize(width + 2, ' ');
    block += "  " + name + std::string(command->summary) + "\n";
  }
  return block;
}

std::string summary_block(const CommandGroup& group) {
  std::vector<const Command*> shown;
  for (const std::string_view name : group.names)
    if (const Command* command = find_command(name)) shown.push_back(command);
  return summary_lines(shown);
}

std::string name_block(const CommandGroup& group) {
  std::string names;
  for (const std::string_view name : group.names) names += (names.empty() ? "" : ", ") + std::string(name);
  std::string block;
  for (const std::string& line : wrap(names, columns - 2)) block += "  " + line + "\n";
  return block;
}

// The visible commands whose names start with this, with their summaries.
std::string command_block(std::string_view start) {
  std::vector<const Command*> shown;
  for (const Command& command : commands())
    if (command.shown == Shown::yes && command.name.starts_with(start)) shown.push_back(&command);
  return summary_lines(shown);
}

}  // namespace

std::string group_help(std::string_view program, std::string_view word) {
  const std::string block = command_block(std::string(word) + " ");
  if (block.empty()) return {};
  return "Usage:  " + std::string(program) + " " + std::string(word) + " COMMAND\n\nCommands:\n" + block + "\nRun '" +
         std::string(program) + " " + std::string(word) + " COMMAND --help' for more information on a command.\n";
}

std::string program_help(std::string_view program) {
  std::string text = "Usage:  " + std::string(program) + " [OPTIONS] COMMAND\n\n";
  text += "Run multi-container applications from a Compose file, without a daemon\n";
  for (const CommandGroup& group : command_groups()) {
    text += "\n" + std::string(group.title) + ":\n";
    text += &group == command_groups().data() ? summary_block(group) : name_block(group);
  }
  text += "\nOptions:\n" + flag_block(global_flags(), columns);
  text += "\nRun '" + std::string(program) + " COMMAND --help' for more information on a command.\n";
  return text;
}

std::string command_help(std::string_view program, const Command& command) {
  std::vector<Flag> flags(command.flags.begin(), command.flags.end());
  for (const Flag& flag : common_flags()) flags.push_back(flag);
  std::string text = "Usage:  " + std::string(program) + " " + std::string(command.name);
  if (!command.flags.empty()) text += " [OPTIONS]";
  if (!command.arguments.empty()) text += " " + std::string(command.arguments);
  text += "\n\n" + std::string(command.summary) + "\n";
  if (!command.details.empty()) text += "\n" + std::string(command.details) + "\n";
  return text + "\nOptions:\n" + flag_block(flags, columns);
}

}  // namespace consort::cli
