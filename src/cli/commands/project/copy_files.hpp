// cp without the question of where the container is.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "cli/args/flags.hpp"
#include "engine/engine.hpp"
#include "project/exec/progress.hpp"

namespace consort::cli {

// The files of one container, as engine::Engine has them: archives whose names begin with the path's last part.
class ContainerFiles {
 public:
  virtual ~ContainerFiles() = default;
  virtual std::string id() const = 0;
  virtual std::string name() const = 0;
  virtual Result<engine::PathKind> kind_of_path(const std::string& path, engine::Links links) = 0;
  virtual Result<> copy_out(const std::string& path, int out, engine::Links links) = 0;
  // The name in that archive below which all is that may be unpacked; "": who has made it can be trusted.
  virtual std::string name_of_copy(const std::string&) const { return {}; }
  virtual Result<> copy_in(const std::string& path, int in) = 0;
};

struct CopyPlace {
  std::string service;  // "" = the host
  std::string path;
};
struct CopyWish {
  CopyPlace from, to;
  const std::string& service() const { return from.service.empty() ? to.service : from.service; }
  bool out() const { return to.service.empty(); }
};
// Of the two arguments; exactly one of them is in a container.
Result<CopyWish> copy_wish(const std::vector<std::string>& arguments);

// From or to each of them, and tells.
Result<> copy_files(project::Progress& progress, std::span<const std::unique_ptr<ContainerFiles>> containers,
                    const CopyWish& wish, const ParsedFlags& flags);

}  // namespace consort::cli
