#include "supervisor/hold.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"

namespace consort::supervisor {

namespace {

// Not the directory itself, because commands that start or remove the container lock that.
Result<Fd> open_held(const std::string& directory) {
  return open_file(directory + "/work", O_RDONLY | O_DIRECTORY);
}

}  // namespace

Result<Fd> hold(const std::string& directory) {
  Fd held = TRY(open_held(directory));
  TRY(lock_shared(held.get(), directory + "/work"));
  return held;
}

bool is_held(const std::string& directory) {
  const Result<Fd> held = open_held(directory);
  return held && ::flock(held->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace consort::supervisor
