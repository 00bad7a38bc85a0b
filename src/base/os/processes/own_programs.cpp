#include "base/os/processes/own_programs.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "base/os/files/file.hpp"

namespace consort {

namespace {

constexpr const char* folder_variable = "CONSORT_LIBEXEC";

std::vector<std::string> folders_of_installation() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  // The path of a program that runs from a sealed descriptor may not exist; the usual places are tried as well.
  const std::string folder = dir_name(std::string(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0));
  return {folder, join_path(folder, "../libexec/consort"), "/usr/libexec/consort", "/usr/local/libexec/consort"};
}

std::optional<std::string> find_in(const std::vector<std::string>& folders, const std::string& name) {
  for (const std::string& folder : folders)
    if (::access(join_path(folder, name).c_str(), X_OK) == 0) return folder;
  return std::nullopt;
}

}  // namespace

Result<std::string> find_own_program(const std::string& name) {
  const char* chosen = ::getenv(folder_variable);
  const bool is_chosen = chosen != nullptr && *chosen != '\0';
  const auto folder = find_in(is_chosen ? std::vector<std::string>{chosen} : folders_of_installation(), name);
  if (folder) return join_path(*folder, name);
  return fail(Error(Code::not_found, "find program")
                  .on(name)
                  .hint(std::string("it should be next to consort or in its libexec directory; ") + folder_variable +
                        " can name another one"));
}

void remember_own_folder() {
  if (const auto folder = find_in(folders_of_installation(), "consort-keeper"))
    ::setenv(folder_variable, folder->c_str(), 0);
}

}  // namespace consort
