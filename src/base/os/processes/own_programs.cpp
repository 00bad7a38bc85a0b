#include "base/os/processes/own_programs.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "base/os/files/file.hpp"

namespace consort {

namespace {

constexpr const char* directory_variable = "CONSORT_LIBEXEC";

std::vector<std::string> directories_of_installation() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  // The path of a program that runs from a sealed descriptor may not exist; the usual places are tried as well.
  const std::string directory = dir_name(std::string(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0));
  return {directory, join_path(directory, "../libexec/consort"), "/usr/libexec/consort", "/usr/local/libexec/consort"};
}

std::optional<std::string> find_in(const std::vector<std::string>& directories, const std::string& name) {
  for (const std::string& directory : directories)
    if (::access(join_path(directory, name).c_str(), X_OK) == 0) return directory;
  return std::nullopt;
}

}  // namespace

Result<std::string> find_own_program(const std::string& name) {
  const char* chosen = ::getenv(directory_variable);
  const bool is_chosen = chosen != nullptr && *chosen != '\0';
  const auto directory = find_in(is_chosen ? std::vector<std::string>{chosen} : directories_of_installation(), name);
  if (directory) return join_path(*directory, name);
  return fail(Error(Code::not_found, "find program")
                  .on(name)
                  .hint(std::string("it should be next to consort or in its libexec directory; ") + directory_variable +
                        " can name another one"));
}

void remember_own_directory() {
  if (const auto directory = find_in(directories_of_installation(), "consort-keeper"))
    ::setenv(directory_variable, directory->c_str(), 0);
}

}  // namespace consort
