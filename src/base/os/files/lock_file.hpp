// Lock files: a file in a directory exists, and is locked, while a process works on what its name identifies. A crash
// leaves a file that nobody has locked, which tells the next process what to clean up.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

class LockFile {
 public:
  // Creates the directory if needed. nullopt: another process has the lock. Never waits.
  static Result<std::optional<LockFile>> try_take(const std::string& directory, const std::string& name);
  LockFile(LockFile&&) noexcept = default;
  LockFile& operator=(LockFile&& other) noexcept;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();  // removes the file

 private:
  LockFile(Fd lock, std::string path) : lock_(std::move(lock)), path_(std::move(path)) {}
  void release();
  friend Result<> sweep_lock_files(const std::string&, const std::function<Result<>(const std::string&)>&);

  Fd lock_;
  std::string path_;
};

// Calls clean_up with the name of each file that nobody has locked, holding its lock, and removes the file if that
// succeeds. Returns the first error after trying all of them. If there are none, it costs one listing.
Result<> sweep_lock_files(const std::string& directory,
                          const std::function<Result<>(const std::string& name)>& clean_up);

}  // namespace consort
