#include "cli/same_place.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "compose/settings.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

bool is_same_directory(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && S_ISDIR(first.st_mode) &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::string name_after(const std::string& directory) {
  return compose::normalize_project_name(base_name(directory));
}

}  // namespace

Result<std::string> started_in() {
  std::string real = TRY(current_directory());
  const char* shown = std::getenv("PWD");
  if (!shown || shown[0] != '/' || clean_path(shown) != shown || !is_same_directory(shown, real)) return real;
  return std::string(shown);
}

bool is_named_after_directory(const compose::Project& project) {
  return project.name == name_after(project.working_directory);
}

Result<std::optional<SamePlace>> find_same_place(engine::Engine& engine, const compose::Project& project) {
  if (!TRY(engine.list({.project = project.name})).empty()) return std::nullopt;
  for (const engine::Container& container : TRY(engine.list())) {
    const auto made_in = container.labels.find(project::label::working_dir);
    if (container.project.empty() || made_in == container.labels.end()) continue;
    if (is_same_directory(made_in->second, project.working_directory))
      return SamePlace{container.project, made_in->second, container.project == name_after(made_in->second)};
  }
  return std::nullopt;
}

}  // namespace consort::cli
