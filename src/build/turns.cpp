#include "build/turns.hpp"

namespace consort::build {

namespace {

std::string turns_in(const std::string& run_root) {
  return run_root + "/build-steps";
}

}  // namespace

std::string turn_path(const std::string& run_root, const std::string& step_digest) {
  return turns_in(run_root) + "/" + step_digest;
}

Result<std::optional<LockFile>> try_take_turn(const std::string& run_root, const std::string& step_digest) {
  return LockFile::try_take(turns_in(run_root), step_digest);
}

Result<> sweep_turns(const std::string& run_root) {
  return sweep_lock_files(turns_in(run_root), [](const std::string&) { return Result<>(); });
}

}  // namespace consort::build
