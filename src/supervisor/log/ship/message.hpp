// Formats a line of a container's log for other programs: syslog, systemd's journal, GELF (Graylog) and Fluentd. Bytes
// only; shipper.hpp sends them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log_reader.hpp"
#include "supervisor/ship_unit.hpp"

namespace consort::supervisor {

// Values that are determined once and are in every message.
struct MessageOrigin {
  std::string host;  // this machine's name
  int pid = 0;       // the supervisor's
};

// In the driver's format; for a stream (tcp, unix), including the end of a message.
std::string ship_message(const ShipUnit& unit, const MessageOrigin& origin, const LogLine& line);

// Splits a GELF message into datagrams: one, or chunks. `id`: eight bytes that are unique to the message. Empty: it
// needs more than the allowed 128 chunks.
std::vector<std::string> gelf_datagrams(const std::string& message, std::string_view id);

}  // namespace consort::supervisor
