#include "cli/seal.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "runtime/exe_seal.hpp"

namespace consort::cli {

namespace {

// A sealed program cannot tell where it lies, and what belongs to it lies beside it.
void remember_own_folder() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0) return;
  const std::string folder = dir_name(std::string(self.data(), static_cast<std::size_t>(length)));
  for (const std::string& place : {folder, join_path(folder, "../libexec/consort")})
    if (path_exists(join_path(place, "consort-keeper"))) ::setenv("CONSORT_LIBEXEC", place.c_str(), 0);
}

}  // namespace

void seal_program(const Invocation& invocation) {
  const auto files = invocation.globals.list("file");
  if (std::ranges::find(files, "-") != files.end()) return;  // standard input cannot be read twice
  const auto line = read_file("/proc/self/cmdline", 4 << 20);
  if (!line || line->empty()) return;
  std::vector<std::string> words = split(std::string_view(*line).substr(0, line->size() - 1), '\0');
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (!runtime::running_sealed()) remember_own_folder();
  (void)runtime::reexec_sealed(argv.data(), environ);
}

}  // namespace consort::cli
