#include "base/os/files/real_path.hpp"

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/os/files/file.hpp"

namespace consort {

Result<std::string> real_path(const std::string& path, std::string what) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  if (!real) return fail_errno(std::move(what), path);
  return std::string(real.get());
}

std::string real_path_so_far(const std::string& path) {
  std::string rest;
  for (std::string part = path;; part = dir_name(part)) {
    if (const auto real = real_path(part)) return clean_path(*real + rest);
    if (part == "/" || part == ".") return path;
    rest = "/" + base_name(part) + rest;
  }
}

bool lies_below(const std::string& path, const std::string& directory) {
  return directory == "/" ? path.size() > 1 : path.size() > directory.size() && path.starts_with(directory + "/");
}

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || lies_below(path, directory);
}

std::optional<std::string> path_below(const std::string& path, const std::string& directory) {
  if (!lies_below(path, directory)) return std::nullopt;
  return path.substr(directory == "/" ? 1 : directory.size() + 1);
}

}  // namespace consort
