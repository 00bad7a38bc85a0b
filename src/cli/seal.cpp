#include "cli/seal.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/os/file.hpp"
#include "base/os/own_programs.hpp"
#include "base/strings.hpp"
#include "engine/seal.hpp"

namespace consort::cli {

void seal_program(const Invocation& invocation) {
  const auto files = invocation.globals.list("file");
  if (std::ranges::find(files, "-") != files.end()) return;  // standard input cannot be read twice
  const auto line = read_file("/proc/self/cmdline", 4 << 20);
  if (!line || line->empty()) return;
  std::vector<std::string> words = split(std::string_view(*line).substr(0, line->size() - 1), '\0');
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (!engine::running_sealed()) remember_own_folder();
  (void)engine::reexec_sealed(argv.data(), environ);
}

}  // namespace consort::cli
