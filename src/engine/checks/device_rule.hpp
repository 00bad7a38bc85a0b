// Rules of the device cgroup, in the format of `device_cgroup_rules`.
#pragma once

#include <optional>
#include <string>

#include "runtime/spec.hpp"

namespace consort::engine {

// "c 1:3 rwm", "b *:* m". nullopt for anything else: a rule with a misread number could cover all devices.
std::optional<runtime::DeviceRule> parse_device_rule(const std::string& text);

}  // namespace consort::engine
