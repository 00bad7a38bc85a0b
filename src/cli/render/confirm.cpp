#include "cli/render/confirm.hpp"

#include <unistd.h>

#include "base/os/fd.hpp"
#include "base/strings.hpp"

namespace consort::cli {

bool confirm(const Terminal&, const std::string& question, Answer fallback) {
  print_out(question + (fallback == Answer::yes ? " [Y/n] " : " [y/N] "));
  std::string answer;
  std::byte byte{};
  while (true) {
    const auto count = read_some(STDIN_FILENO, std::span(&byte, 1));
    if (!count || *count == 0) {
      print_out("\n");
      return false;
    }
    if (byte == std::byte{'\n'}) break;
    answer += static_cast<char>(byte);
  }
  const std::string word = to_lower(trim(answer));
  if (word.empty()) return fallback == Answer::yes;
  return word == "y" || word == "yes" || word == "true" || word == "1";
}

}  // namespace consort::cli
