// A project as systemd units: Quadlet or plain units whose containers Podman runs, or plain units whose services
// consort runs. Pure: the same project gives the same texts in the same order on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compose/fates.hpp"
#include "project/desired/desired.hpp"

namespace consort::units {

struct UnitFile {
  std::string path;  // below the directory of the units
  std::string text;
  // By default only for their owner, because they may contain passwords from `environment`. Mounted files have the mode
  // that they should have in the container; the directory around them is private.
  std::uint32_t mode = 0600;
};
struct Units {
  std::vector<UnitFile> files;
  std::vector<compose::Diagnostic> notes;  // attributes that were left out
};

enum class Podman : std::uint8_t {
  quadlet,   // files from which Podman's generator makes units; since 5.2
  services,  // the units that it would have made; any Podman since 4.3
};
// Code::invalid if two units would have the same name, or an image's name is malformed.
Result<Units> podman_units(const compose::Project& project, const project::DesiredProject& desired, Podman kind);
// The units, and the resolved file that they pass to `program` (an absolute path).
Result<Units> consort_units(const compose::Project& project, const project::DesiredProject& desired,
                            const std::string& program);

// Below the directory of the units: where the files are that Podman's units mount.
std::string files_directory(const std::string& project);
// Whether a file there has a name from podman_units(): NAME-TAG, with a new tag after each change.
bool is_beside(const std::string& path);

compose::FateTable podman_fates();
compose::FateTable consort_fates();
// docs/reference/units.md
std::string attributes_markdown();

}  // namespace consort::units
