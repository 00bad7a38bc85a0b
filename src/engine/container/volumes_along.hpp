// Removes the anonymous volumes along with a container (`rm -v`, --rm): once the container is gone, none of these
// volumes is visible any more.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "engine/engine_impl.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

class VolumesAlong {
 public:
  explicit VolumesAlong(Engine::Impl& impl) : impl_(impl) {}
  VolumesAlong(const VolumesAlong&) = delete;
  VolumesAlong& operator=(const VolumesAlong&) = delete;
  ~VolumesAlong();  // volumes that were not forgotten reappear

  // Hides the volumes that no other container uses, and keeps other processes from creating or removing volumes until
  // they are forgotten. A volume that cannot be hidden stays; finish() reports why.
  void hide(const Container& container);
  // Within the transaction that forgets the container.
  void forget_within(SQLite::Database& transaction);
  // After that transaction has been committed: deletes the files. Returns the first of all errors.
  Result<> finish();

 private:
  struct Hidden {
    std::string name;
    volume::Removal removal;
    bool forgotten = false;
  };
  Result<> hide_one(const std::string& volume, const std::string& container);
  void keep(Result<> outcome);

  Engine::Impl& impl_;
  Fd lock_;
  std::vector<Hidden> hidden_;
  Result<> outcome_;
};

}  // namespace consort::engine
