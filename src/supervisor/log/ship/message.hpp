// A line of a container's log as other programs take it: syslog, systemd's journal, GELF (Graylog) and Fluentd. Bytes
// only; who sends them is shipper.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log_reader.hpp"
#include "supervisor/ship_unit.hpp"

namespace consort::supervisor {

// What is told once and stands in every message.
struct MessageOrigin {
  std::string host;  // this machine's name
  int pid = 0;       // the supervisor's
};

// In the form of the driver; of a stream (tcp, unix), with what ends a message there.
std::string ship_message(const ShipUnit& unit, const MessageOrigin& origin, const LogLine& line);

// A GELF message in datagrams: one, or chunks of it. `id`: eight bytes that no other message has. Empty: it is larger
// than the 128 chunks that there may be.
std::vector<std::string> gelf_datagrams(const std::string& message, std::string_view id);

}  // namespace consort::supervisor
