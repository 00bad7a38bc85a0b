// Converts the schedule of a job to a systemd timer.
#pragma once

#include <optional>
#include <string>

#include "units/units.hpp"

namespace consort::units {

// UNIT.timer, which starts UNIT.service; nullopt for a job that is only run manually.
Result<std::optional<UnitFile>> timer_of(const compose::Service& job, const std::string& unit,
                                         const std::string& project);

}  // namespace consort::units
