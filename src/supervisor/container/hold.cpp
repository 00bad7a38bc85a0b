#include "supervisor/hold.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"

namespace consort::supervisor {

namespace {

// Not the directory itself, because commands that start or remove the container lock that.
Result<Fd> open_held(const std::string& folder) {
  return open_file(folder + "/work", O_RDONLY | O_DIRECTORY);
}

}  // namespace

Result<Fd> hold(const std::string& folder) {
  Fd held = TRY(open_held(folder));
  TRY(lock_shared(held.get(), folder + "/work"));
  return held;
}

bool is_held(const std::string& folder) {
  const Result<Fd> held = open_held(folder);
  return held && ::flock(held->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace consort::supervisor
