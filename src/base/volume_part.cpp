#include "base/volume_part.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/open_resolved.hpp"

namespace consort {

Result<std::optional<Fd>> open_part_of_volume(const Roots& roots, const std::string& path) {
  const std::string volumes = roots.data + "/volumes/";
  if (!path.starts_with(volumes)) return std::nullopt;
  const std::string name = path.substr(volumes.size(), path.find('/', volumes.size()) - volumes.size());
  const std::string data = roots.volume_data(name) + "/";
  if (!path.starts_with(data) || path.size() == data.size()) return std::nullopt;
  const Fd root = TRY(open_file(data, O_PATH | O_DIRECTORY));
  Result<Fd> part = open_resolved(root.get(), path.substr(data.size()), O_PATH, 0,
                                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (part) return std::move(*part);
  Error error = errno_error(part.error().sys_errno(), "open", path);
  if (error.sys_errno() == ELOOP) error.data().hint = "a container created a symlink there, which is not followed";
  return fail(std::move(error));
}

}  // namespace consort
