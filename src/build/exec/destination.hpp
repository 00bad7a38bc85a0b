// The destination of a COPY: writes below a root directory, which no path can leave, whatever links it contains.
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

struct NewDirectory {
  OwnerIds owner;
  mode_t mode = 0755;
};

// Resolves `path` inside root, following links, and creates missing directories; returns the real path. all_but_last:
// the last component may be missing and is not created.
enum class MakeDirectories : std::uint8_t { all_but_last, all };
Result<std::string> prepare_path(int root, const std::string& path, MakeDirectories make, const NewDirectory& made);

struct CopySettings {
  std::optional<OwnerIds> owner;  // nullopt: keep each file's own
  std::optional<ModeChange> mode;
  // For files of a context, sockets become empty files and capabilities are dropped, as when BuildKit's client sends
  // them.
  enum class Origin : std::uint8_t { stage, context } origin = Origin::stage;
  std::function<bool()> canceled{};
};

// Copies one source to `destination` (absolute; a trailing '/' means a directory) as BuildKit does: the content of a
// directory goes into the destination; a file is copied to it or into it.
Result<> copy_into(const SourceTree& tree, const Selected& source, int root, const std::string& destination,
                   const CopySettings& settings);
// Writes a file with the given content; mode 0644 unless the settings say otherwise.
Result<> write_into(const std::string& name, const std::string& content, int root, const std::string& destination,
                    const CopySettings& settings);

}  // namespace consort::build
