// Manual pages in roff, from the table of commands.
#include <algorithm>

#include "base/strings.hpp"
#include "base/version.hpp"
#include "cli/args/command.hpp"

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
    return text + flag_section(command->flags) + ".SH SEE ALSO\n.BR consort (1)\n";
  }
  std::string text = head("consort") +
                     ".SH NAME\nconsort \\- run multi\\-container applications from a Compose file, without a daemon\n"
                     ".SH SYNOPSIS\n.B consort\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR\n";
  text += flag_section(global_flags()) + ".SH COMMANDS\n";
  for (const Command& each : commands())
    if (each.shown == Shown::yes) text += ".TP\n\\fB" + escaped(each.name) + "\\fR\n" + escaped(each.summary) + ".\n";
  return text;
}

}  // namespace consort::cli
