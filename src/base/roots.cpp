#include "base/roots.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/os/file.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string or_else(std::string value, std::string fallback) {
  return value.empty() ? std::move(fallback) : value;
}

}  // namespace

Result<Roots> Roots::from_environment() {
  Roots roots;
  roots.data = environment("CONSORT_DATA_ROOT");
  roots.run = environment("CONSORT_RUN_ROOT");
  if (::geteuid() == 0) {
    roots.data = or_else(roots.data, "/var/lib/consort");
    roots.run = or_else(roots.run, "/run/consort");
  } else {
    const std::string home = or_else(environment("HOME"), "/");
    roots.data = or_else(roots.data, or_else(environment("XDG_DATA_HOME"), home + "/.local/share") + "/consort");
    const std::string fallback = "/tmp/consort-" + std::to_string(::getuid());
    const std::string run = environment("XDG_RUNTIME_DIR");
    roots.run = or_else(roots.run, run.empty() ? fallback : run + "/consort");
  }
  const std::string here = TRY(current_directory());
  roots.data = join_path(here, roots.data);
  roots.run = join_path(here, roots.run);
  return roots;
}

Result<> Roots::prepare() const {
  // 0711: a container's own users must be able to pass through to volumes and layers, not to look around.
  TRY(make_directories(data, 0711));
  TRY(make_directories(run, 0700));
  const std::string boot = std::string(trim(TRY(read_file("/proc/sys/kernel/random/boot_id"))));
  const std::string marker = run + "/boot-id";
  const Result<std::string> seen = read_file(marker);
  if (seen && *seen == boot) return {};
  if (seen) TRY(remove_tree(run + "/projects"));
  return write_file_atomic(marker, boot);
}

}  // namespace consort
