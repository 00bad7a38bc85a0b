#include "network/nft/host_programs.hpp"

#include <unistd.h>

#include <utility>

#include "base/os/timer.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::size_t output_limit = 1 << 20;

}  // namespace

std::optional<std::string> HostPrograms::find(const std::string& name) const {
  for (const std::string& directory : directories)
    if (std::string path = directory + "/" + name; ::access(path.c_str(), X_OK) == 0) return path;
  return std::nullopt;
}

Result<Captured> HostPrograms::run(std::vector<std::string> argv) const {
  const std::string name = argv.front();
  const std::optional<std::string> path = find(name);
  if (!path) return fail(Error(Code::unsupported, "run " + name).why("not found in " + join(directories, ", ")));
  argv.front() = *path;
  const Fd deadline = TRY(timer_of(patience));
  Result<Captured> ran = run_and_capture(
      {.argv = std::move(argv), .environment = {"PATH=" + join(directories, ":"), "LC_ALL=C"}, .directory = "/"}, {},
      output_limit, deadline.get());
  if (ran || ran.error().code() != Code::interrupted) return ran;
  return fail(
      Error(Code::busy, "run " + name).why("no answer within " + std::to_string(patience.count()) + " milliseconds"));
}

}  // namespace consort
