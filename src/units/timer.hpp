// The schedule of a job as a timer of systemd.
#pragma once

#include <optional>
#include <string>

#include "units/units.hpp"

namespace consort::units {

// UNIT.timer, which starts UNIT.service; nothing for a job that only people start.
Result<std::optional<UnitFile>> timer_of(const compose::Service& job, const std::string& unit,
                                         const std::string& project);

}  // namespace consort::units
