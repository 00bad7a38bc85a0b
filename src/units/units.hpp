// A project as systemd units: of Quadlet or plain ones, whose containers Podman runs; or plain ones whose services
// consort runs. Pure: the same project gives the same texts in the same order, whatever there is on this machine.
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
  // By default for their owner alone: passwords of `environment` stand in them. What is mounted has the mode that the
  // file wants in the container; the directory around it is private.
  std::uint32_t mode = 0600;
};
struct Units {
  std::vector<UnitFile> files;
  std::vector<compose::Diagnostic> notes;  // what was left out
};

enum class Podman : std::uint8_t {
  quadlet,   // files that Podman's generator makes units of; from 5.2 on
  services,  // the units that it would have made: any Podman from 4.3 on
};
// Code::invalid where two units would have one name, or an image's name is none.
Result<Units> podman_units(const compose::Project& project, const project::DesiredProject& desired, Podman kind);
// The units, and the resolved file that they give to `program` (absolute).
Result<Units> consort_units(const compose::Project& project, const project::DesiredProject& desired,
                            const std::string& program);

// Below the directory of the units: where the files lie that Podman's units mount.
std::string files_directory(const std::string& project);
// Whether a file in there has a name that podman_units() gives: NAME-TAG, with another tag after each change.
bool is_beside(const std::string& path);

compose::FateTable podman_fates();
compose::FateTable consort_fates();
// docs/reference/units.md
std::string attributes_markdown();

}  // namespace consort::units
