#include "supervisor/loop/keeper_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace consort::supervisor {
namespace {

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

bool hold_keeper_lock(int file) {
  struct flock lock = whole_file();
  return ::fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool hold_serving_lock(int file) {
  struct flock lock = whole_file();
  return ::fcntl(file, F_SETLK, &lock) == 0;
}

pid_t who_serves(int file) {
  struct flock lock = whole_file();
  return ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

bool keeper_lives(const std::string& run_directory) {
  const auto file = open_file(keeper_lock_path(run_directory), O_RDONLY);
  if (!file) return false;
  struct flock lock = whole_file();
  return ::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace consort::supervisor
