// Logging drivers that pass a container's lines on: their options, and what becomes of them.
#pragma once

#include "engine/types.hpp"
#include "supervisor/ship_unit.hpp"

namespace consort::engine {

// syslog, journald, gelf, fluentd.
bool is_shipping(const std::string& driver);
// Options that the driver does not know, values that it cannot take, addresses that are none: in Docker's words, about
// Subject::setting "logging/options".
Result<> validate_shipping(const LogSpec& log);
// Before a start: writes down for the supervisor where the lines go. Looks up the
// receiver's name, and whether a local one is there. Not there: Code::not_found.
Result<> prepare_shipping(const Container& container, const ProcessConfig& process, const LogSpec& log,
                          const std::string& log_path);

}  // namespace consort::engine
