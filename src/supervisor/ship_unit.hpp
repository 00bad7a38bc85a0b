// Where each line of a container's log is sent in addition to the log file. The engine writes it into the container's
// directory, next to unit.json, if a logging driver requires it; most containers have none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace consort::supervisor {

// Addresses are resolved before the start, so that the supervisor's loop never queries a name server.
struct ShipUnit {
  std::string driver;   // syslog, journald, gelf, fluentd
  std::string network;  // unixgram, unix (a path), udp, tcp
  std::string address;  // the path, or an IP address
  std::uint16_t port = 0;
  std::string tag;
  std::string format;                         // for syslog: rfc3164, rfc5424, rfc5424micro; empty: Docker's format
  unsigned facility = 3;                      // for syslog
  bool sub_second = false;                    // for fluentd
  std::map<std::string, std::string> fields;  // further ones, with the driver's names
};

// log_path: LogUnit::path, whose directory has the file.
Result<> write_ship_unit(const std::string& log_path, const ShipUnit& unit);
// nullopt: the log is only written to the file.
Result<std::optional<ShipUnit>> read_ship_unit(const std::string& log_path);

}  // namespace consort::supervisor
