// Logging drivers that forward a container's output: their options, and where the lines go.
#pragma once

#include "engine/types.hpp"
#include "supervisor/ship_unit.hpp"

namespace consort::engine {

// syslog, journald, gelf or fluentd.
bool is_shipping(const std::string& driver);
// Unknown options, invalid values and invalid addresses are errors in Docker's words, about Subject::setting
// "logging/options".
Result<> validate_shipping(const LogSpec& log);
// Before a start: writes down for the supervisor where the lines go. Resolves the receiver's host name and checks that
// a local receiver exists; if not: Code::not_found.
Result<> prepare_shipping(const Container& container, const ProcessConfig& process, const LogSpec& log,
                          const std::string& log_path);

}  // namespace consort::engine
