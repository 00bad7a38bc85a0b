// Generates manual pages in roff from the table of commands.
#include <algorithm>

#include "base/strings.hpp"
#include "base/version.hpp"
#include "cli/args/command.hpp"
#include "cli/args/manual.hpp"

namespace consort::cli {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') result += "\\e";
    if (c == '-') result += "\\-";
    if (c != '\\' && c != '-') result += c;
  }
  if (result.starts_with('.') || result.starts_with('\'')) result = "\\&" + result;
  return result;
}

std::string flag_entry(const Flag& flag) {
  std::string text = ".TP\n\\fB";
  if (flag.shorthand) text += std::string("\\-") + flag.shorthand + "\\fR, \\fB";
  text += "\\-\\-" + escaped(flag.name) + "\\fR";
  if (flag.kind != FlagKind::boolean) text += " \\fI" + escaped(flag.value.empty() ? "value" : flag.value) + "\\fR";
  return text + "\n" + escaped(flag.help) + ".\n";
}

std::string flag_section(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags)
    if (!flag.hidden) text += flag_entry(flag);
  return text.empty() ? "" : ".SH OPTIONS\n" + text;
}

std::string example_section(std::string_view command) {
  std::string text;
  for (const Example& example : examples())
    if (example.command == command)
      text += ".TP\n\\fB" + escaped(example.line) + "\\fR\n" + escaped(example.says) + ".\n";
  return text.empty() ? "" : ".SH EXAMPLES\n" + text;
}

std::string entry_section(std::string_view title, std::span<const Entry> entries) {
  std::string text = ".SH " + std::string(title) + "\n";
  for (const Entry& entry : entries) text += ".TP\n\\fB" + escaped(entry.name) + "\\fR\n" + escaped(entry.text) + ".\n";
  return text;
}

// The program's own page describes everything that applies to all commands.
constexpr std::string_view see_also =
    ".SH SEE ALSO\n.BR consort (1),\nwhich describes ENVIRONMENT, FILES and EXIT STATUS for all commands\n";

std::string head(const std::string& name) {
  return ".TH " + to_upper(name) + " 1 \"\" \"Consort " + std::string(version) + "\" \"Consort\"\n";
}

std::string page_name(const Command& command) {
  return "consort-" + replace_all(std::string(command.name), " ", "-");
}

}  // namespace

std::string man_page(const Command* command) {
  if (command) {
    std::string text = head(page_name(*command)) + ".SH NAME\n" + escaped(page_name(*command)) + " \\- " +
                       escaped(command->summary) + "\n.SH SYNOPSIS\n.B consort " + escaped(command->name) +
                       "\n[\\fIOPTIONS\\fR] " + escaped(command->arguments) + "\n.SH DESCRIPTION\n" +
                       escaped(command->summary) + ".\n";
    if (!command->details.empty()) text += ".PP\n" + escaped(command->details) + "\n";
    text += flag_section(command->flags) + example_section(command->name);
    return text + std::string(see_also);
  }
  std::string text = head("consort") +
                     ".SH NAME\nconsort \\- run multi\\-container applications from a Compose file, without a daemon\n"
                     ".SH SYNOPSIS\n.B consort\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR\n";
  text += flag_section(global_flags()) + ".SH COMMANDS\n";
  for (const Command& each : commands())
    if (each.shown == Shown::yes) text += ".TP\n\\fB" + escaped(each.name) + "\\fR\n" + escaped(each.summary) + ".\n";
  text += example_section("") + entry_section("ENVIRONMENT", environment_variables());
  return text + entry_section("FILES", known_files()) + entry_section("EXIT STATUS", exit_statuses());
}

}  // namespace consort::cli
