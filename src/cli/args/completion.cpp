// Completion scripts, from the table of commands. Names of services are asked from the program itself.
#include <string>
#include <vector>

#include "base/strings.hpp"
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

std::string words_of(std::span<const Flag> flags) {
  std::vector<std::string> words;
  for (const Flag& flag : flags) {
    if (flag.hidden) continue;
    words.push_back("--" + std::string(flag.name));
    if (flag.shorthand) words.push_back(std::string("-") + flag.shorthand);
  }
  return join(words, " ");
}

std::string first_words() {
  std::vector<std::string> words;
  for (const Command& command : commands()) {
    if (command.shown != Shown::yes) continue;
    std::string word(command.name.substr(0, command.name.find(' ')));
    if (words.empty() || words.back() != word) words.push_back(std::move(word));
  }
  return join(words, " ");
}

bool takes_services(const Command& command) {
  return command.arguments.contains("SERVICE");
}

std::string bash() {
  std::string cases;
  for (const Command& command : commands())
    if (command.shown == Shown::yes && !command.name.contains(' '))
      cases += "    " + std::string(command.name) + ") flags='" + words_of(command.flags) +
               "'; services=" + (takes_services(command) ? "1" : "") + " ;;\n";
  return "_consort() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} command= flags= services= i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "      -f|-p|--file|--project-name|--project-directory|--env-file|--profile|--progress|--ansi|--parallel) "
         "((i++)) ;;\n"
         "      -*) ;;\n"
         "      *) command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  if [[ -z $command ]]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         first_words() + " " + words_of(global_flags()) +
         "' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags --help --dry-run\" -- \"$word\"))\n"
         "  elif [[ $services ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[@]:0:i}\" config --services 2>/dev/null)\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _consort consort\n";
}

std::string zsh() {
  std::string text = "#compdef consort\nautoload -U +X bashcompinit && bashcompinit\n";
  return text + bash();
}

std::string quoted(std::string_view text) {
  return "'" + replace_all(std::string(text), "'", "\\'") + "'";
}

std::string fish() {
  std::string text =
      "complete -c consort -f\n"
      "function __consort_services; consort config --services 2>/dev/null; end\n";
  for (const Flag& flag : global_flags()) {
    if (flag.hidden) continue;
    text += "complete -c consort -n __fish_use_subcommand -l " + std::string(flag.name);
    if (flag.shorthand) text += std::string(" -s ") + flag.shorthand;
    text += " -d " + quoted(flag.help) + "\n";
  }
  for (const Command& command : commands()) {
    if (command.shown != Shown::yes || command.name.contains(' ')) continue;
    const std::string name(command.name);
    const std::string here = "-n '__fish_seen_subcommand_from " + name + "'";
    text += "complete -c consort -n __fish_use_subcommand -a " + name + " -d " + quoted(command.summary) + "\n";
    if (takes_services(command)) text += "complete -c consort " + here + " -a '(__consort_services)'\n";
    for (const Flag& flag : command.flags) {
      if (flag.hidden) continue;
      text += "complete -c consort " + here + " -l " + std::string(flag.name);
      if (flag.shorthand) text += std::string(" -s ") + flag.shorthand;
      text += " -d " + quoted(flag.help) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return {};
}

}  // namespace consort::cli
