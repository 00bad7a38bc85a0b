// The logic of `cp`, independent of where the container is.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "cli/args/flags.hpp"
#include "engine/engine.hpp"
#include "project/exec/progress.hpp"

namespace consort::cli {

// Access to the files of one container, as in engine::Engine: names in archives begin with the path's last component.
class ContainerFiles {
 public:
  virtual ~ContainerFiles() = default;
  virtual std::string id() const = 0;
  virtual std::string name() const = 0;
  virtual Result<engine::PathKind> kind_of_path(const std::string& path, engine::Links links) = 0;
  virtual Result<> copy_out(const std::string& path, int out, engine::Links links) = 0;
  // If the archive of copy_out() is untrusted: the top-level name below which entries may be extracted; "": it is
  // trusted.
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
// Parses the two arguments; exactly one of them must be in a container.
Result<CopyWish> copy_wish(const std::vector<std::string>& arguments);

// Copies from or to each container, and reports progress.
Result<> copy_files(project::Progress& progress, std::span<const std::unique_ptr<ContainerFiles>> containers,
                    const CopyWish& wish, const ParsedFlags& flags);

}  // namespace consort::cli
