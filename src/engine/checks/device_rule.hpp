// Rules of the device cgroup, as `device_cgroup_rules` has them.
#pragma once

#include <optional>
#include <string>

#include "runtime/spec.hpp"

namespace consort::engine {

// "c 1:3 rwm", "b *:* m". nullopt for anything else: what is taken for no number would be a rule about all devices.
std::optional<runtime::DeviceRule> parse_device_rule(const std::string& text);

}  // namespace consort::engine
