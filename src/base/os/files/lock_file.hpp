// Locks that are files in a folder: a file is there, and locked, while somebody works on what its name says. What a
// crash leaves is a file that nobody holds, and so tells the next one what there is to clean up.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

class LockFile {
 public:
  // Makes the directory, too. nullopt: somebody else has the lock. Never waits.
  static Result<std::optional<LockFile>> try_take(const std::string& folder, const std::string& name);
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

// Calls clean_up with the name of each file that nobody holds, and removes the file if that worked. The lock is held
// meanwhile. The first error, after all were tried. Cheap where there is nothing: one listing.
Result<> sweep_lock_files(const std::string& folder, const std::function<Result<>(const std::string& name)>& clean_up);

}  // namespace consort
