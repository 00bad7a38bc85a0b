// Where a COPY writes: a root directory that paths cannot leave, whatever links are in it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "build/context/tree.hpp"
#include "build/exec/mode_change.hpp"
#include "build/exec/selection.hpp"

namespace consort::build {

struct OwnerIds {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct NewFolder {
  OwnerIds owner;
  mode_t mode = 0755;
};

// The real path of `path` inside root, links followed; directories that are missing are made. all_but_last: the last
// component may stay missing.
enum class MakeFolders : std::uint8_t { all_but_last, all };
Result<std::string> prepare_path(int root, const std::string& path, MakeFolders make, const NewFolder& made);

struct CopySettings {
  std::optional<OwnerIds> owner;  // none: each file's own
  std::optional<ModeChange> mode;
  // Of a context's files, sockets become empty files and capabilities are dropped, as when a client sends them.
  enum class Origin : std::uint8_t { stage, context } origin = Origin::stage;
  std::function<bool()> canceled{};
};

// One source into destination (absolute; a trailing '/' means a directory), as BuildKit does: a directory's content
// goes into the destination, a file becomes it or goes into it.
Result<> copy_into(const SourceTree& tree, const Selected& source, int root, const std::string& destination,
                   const CopySettings& settings);
// A file made of text; mode 0644 unless settings say otherwise.
Result<> write_into(const std::string& name, const std::string& content, int root, const std::string& destination,
                    const CopySettings& settings);

}  // namespace consort::build
