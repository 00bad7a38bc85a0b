// The shells' completion scripts. They contain no commands or flags: they ask the program for the words that may come
// at the cursor (`consort internal complete -- WORD...`, see commands/complete.cpp), under the name by which it was
// called.
#include <string>

#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

// Bash also splits words at "=" and ":", and expects only the part after the last of these. The script joins the pieces
// again where there was no space between them.
constexpr std::string_view bash_script = R"sh(_consort() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() piece i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    piece=${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && piece=${piece:0:${#rest}}
    if [[ $i -gt 0 && -n $rest && $rest != [[:space:]]* ]]; then
      words[${#words[@]}-1]+=$piece
    else
      words+=("$piece")
      rest=${rest#"${rest%%[![:space:]]*}"}
    fi
    rest=${rest#"$piece"}
  done
  local word=${words[${#words[@]}-1]} last=${COMP_WORDS[COMP_CWORD]} line how= skip
  [[ $last == [=:] ]] && last=
  skip=$((${#word} - ${#last}))
  ((skip >= 0)) || skip=0
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) how=$line ;;
      *) line=${line%%$'\t'*}; COMPREPLY+=("${line:skip}") ;;
    esac
  done < <(command "${words[0]/#\~/$HOME}" internal complete -- "${words[@]:1}" 2>/dev/null)
  case $how in
    *files*) compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$last") ;;
    *directories*) compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$last") ;;
  esac
  [[ $how == *nospace* ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _consort consort docker-compose
)sh";

constexpr std::string_view zsh_script = R"sh(#compdef consort docker-compose
_consort() {
  local -a lines candidates extra
  local line how tab=$'\t'
  lines=("${(@f)$(command ${(Q)words[1]} internal complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  for line in $lines; do
    case $line in
      :*) how=$line ;;
      *$tab*) candidates+=("${${line%%$tab*}//:/\\:}:${line#*$tab}") ;;
      ?*) candidates+=("${line//:/\\:}") ;;
    esac
  done
  [[ $how == *nospace* ]] && extra=(-S '')
  (( $#candidates )) && _describe consort candidates "${extra[@]}"
  [[ $PREFIX == --*=* ]] && compset -P '*='
  case $how in
    *files*) _files ;;
    *directories*) _files -/ ;;
  esac
  return 0
}
[[ $funcstack[1] == _consort ]] && _consort "$@"
compdef _consort consort docker-compose 2>/dev/null
return 0
)sh";

constexpr std::string_view fish_script = R"sh(function __consort_complete
  set -l typed (commandline -opc)
  set -l word (commandline -ct)
  for line in (command $typed[1] internal complete -- $typed[2..-1] "$word" 2>/dev/null)
    switch $line
      case ':*files*'
        __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$word")
      case ':*directories*'
        __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$word")
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c consort -f -k -a '(__consort_complete)'
complete -c docker-compose -f -k -a '(__consort_complete)'
)sh";

}  // namespace

std::string completion(std::string_view shell) {
  if (shell == "bash") return std::string(bash_script);
  if (shell == "zsh") return std::string(zsh_script);
  if (shell == "fish") return std::string(fish_script);
  return {};
}

}  // namespace consort::cli
