// The anonymous volumes of a container that is removed (`rm -v`, --rm): whoever hears that it is gone finds none of
// them any more.
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
  ~VolumesAlong();  // what has not been forgotten is there again

  // Puts those out of sight that nobody else uses, and keeps others from making or removing any until they are
  // forgotten. One that cannot go stays; finish() says why.
  void hide(const Container& container);
  // In the transaction that has forgotten the container.
  void forget_within(SQLite::Database& transaction);
  // That transaction has ended well: deletes the files. The first of all errors.
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
