// What is below a volume's data belongs to the containers that have the volume: any of them may have put a link in the
// place of a directory since its path was made sure of.
#pragma once

#include <optional>
#include <string>

#include "base/os/fd.hpp"
#include "base/roots.hpp"

namespace consort {

// Opens (O_PATH) a path that is below the data of a volume without following a link there. nullopt: it lies elsewhere,
// or is the data itself, which no container can replace.
Result<std::optional<Fd>> open_part_of_volume(const Roots& roots, const std::string& path);

}  // namespace consort
