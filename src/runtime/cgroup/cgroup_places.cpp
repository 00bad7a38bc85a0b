// Cgroups below a container's cgroup, for running another process in one of them.
#include <fcntl.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup/cgroup_files.hpp"

namespace consort::runtime {

namespace {

struct Named {
  std::vector<std::string> controllers;  // none: all of them
  std::string path;                      // "/sub"; "" is the container's own

  bool is_of(const internal::Hierarchy& hierarchy) const {
    return controllers.empty() || std::ranges::any_of(controllers, [&](const std::string& controller) {
             return hierarchy.has(controller) || hierarchy.has("name=" + controller);
           });
  }
};

std::unexpected<Error> refuse(const std::string& text, std::string why) {
  return fail(Error(Code::invalid, "join cgroup").on("\"" + text + "\"").why(std::move(why)));
}

Result<Named> parse_named(const std::string& text) {
  Named named;
  const std::size_t colon = text.find(':');
  const std::string path = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos)
    for (const std::string& controller : split(text.substr(0, colon), ','))
      if (!controller.empty()) named.controllers.push_back(controller);
  if (colon != std::string::npos && named.controllers.empty()) return refuse(text, "no controller is named");
  for (const std::string& part : split(path, '/'))
    if (part == "..") return refuse(text, "not a cgroup below the container's");
  named.path = clean_path("/" + path);
  if (named.path == "/") named.path.clear();
  return named;
}

}  // namespace

Result<Cgroup::Places> Cgroup::open_below(const std::vector<std::string>& named) const {
  std::vector<Named> wanted;
  for (const std::string& text : named) {
    wanted.push_back(TRY(parse_named(text)));
    for (const std::string& controller : wanted.back().controllers) {
      const Named alone{{controller}, {}};
      if (std::ranges::none_of(impl_->parts, [&](const Impl::Part& part) { return alone.is_of(*part.hierarchy); }))
        return refuse(text, "unknown controller " + controller);
    }
  }
  const bool only_unified = cgroup_version() == CgroupVersion::v2;
  Places places;
  for (const Impl::Part& part : impl_->parts) {
    std::string directory = part.directory;
    for (const Named& entry : wanted)
      if (entry.is_of(*part.hierarchy)) directory = part.directory + entry.path;
    if (!part.hierarchy->unified) {
      places.tasks.push_back(TRY_WRAP(open_file(directory + "/tasks", O_WRONLY), "join cgroup"));
      continue;
    }
    // Next to v1 it has no limits, and a manager that creates v1 cgroups need not have created this one.
    if (!only_unified && !path_exists(directory)) directory = part.directory;
    places.for_clone = TRY_WRAP(open_file(directory, O_RDONLY | O_DIRECTORY), "join cgroup");
  }
  return places;
}

}  // namespace consort::runtime
