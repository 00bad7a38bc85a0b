// Opens paths below a volume's data, which belongs to the containers that use the volume: any of them may have replaced
// a directory with a link since the path was checked.
#pragma once

#include <optional>
#include <string>

#include "base/os/fd.hpp"
#include "base/roots.hpp"

namespace consort {

// Opens (O_PATH) a path below the data of a volume without following any link there. nullopt: the path lies elsewhere,
// or is the data directory itself, which no container can replace.
Result<std::optional<Fd>> open_part_of_volume(const Roots& roots, const std::string& path);

}  // namespace consort
