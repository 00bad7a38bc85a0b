// The command reference in Markdown, from the table of commands (docs/reference/commands.md).
#include "base/strings.hpp"
#include "cli/args/command.hpp"
#include "cli/args/manual.hpp"

namespace consort::cli {

namespace {

std::string cell(std::string_view text) {
  return replace_all(std::string(text), "|", "\\|");
}

std::string flag_name(const Flag& flag) {
  std::string text = flag.shorthand ? std::string("`-") + flag.shorthand + "`, " : "";
  text += "`--" + std::string(flag.name);
  if (flag.kind == FlagKind::integer) text += " NUMBER";
  if (flag.kind == FlagKind::text || flag.kind == FlagKind::list)
    text += " " + (flag.value.empty() ? "TEXT" : to_upper(flag.value));
  return text + "`" + (flag.kind == FlagKind::list ? ", repeatable" : "");
}

std::string flag_table(std::span<const Flag> flags) {
  std::string rows;
  for (const Flag& flag : flags) {
    if (flag.hidden) continue;
    rows += "| " + flag_name(flag) + " | " + cell(flag.help);
    if (!flag.fallback.empty()) rows += " (default: `" + std::string(flag.fallback) + "`)";
    rows += " |\n";
  }
  return rows.empty() ? "" : "| flag | |\n|---|---|\n" + rows + "\n";
}

std::string example_block(std::string_view command) {
  std::string block;
  for (const Example& example : examples())
    if (example.command == command)
      block += "    " + std::string(example.line) + "    # " + std::string(example.says) + "\n";
  return block.empty() ? "" : block + "\n";
}

std::string entry_table(std::string_view title, std::span<const Entry> entries) {
  std::string rows;
  for (const Entry& entry : entries) rows += "| `" + std::string(entry.name) + "` | " + cell(entry.text) + " |\n";
  return "## " + std::string(title) + "\n\n| | |\n|---|---|\n" + rows + "\n";
}

}  // namespace

std::string reference() {
  std::string text =
      "# Commands\n\nMade by `consort internal reference` from the table that `--help`, the manual pages and the shell "
      "completions\ncome from; `scripts/test checks` fails when it is out of date.\n\n## consort\n\n    consort "
      "[OPTIONS] COMMAND\n\n" +
      flag_table(global_flags());
  for (const Command& command : commands()) {
    if (command.shown == Shown::hidden) continue;
    const std::string name(command.name);
    text += "## consort " + name + "\n\n" + std::string(command.summary) + ".\n\n    consort " + name +
            (command.flags.empty() ? "" : " [OPTIONS]") +
            (command.arguments.empty() ? "" : " " + std::string(command.arguments)) + "\n\n";
    if (!command.details.empty()) text += std::string(command.details) + "\n\n";
    text += flag_table(command.flags) + example_block(command.name);
  }
  text += entry_table("Environment variables", environment_variables());
  text += entry_table("Files", known_files()) + entry_table("Exit status", exit_statuses());
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace consort::cli
