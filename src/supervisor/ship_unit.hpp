// Who gets each line of a container's log besides the file, which is kept anyway. The engine writes it into the
// container's directory, next to unit.json, where a logging driver asks for it; most containers have none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace consort::supervisor {

// Addresses are found before the start: nobody in the supervisor's loop asks a name server.
struct ShipUnit {
  std::string driver;   // syslog, journald, gelf, fluentd
  std::string network;  // unixgram, unix (a path), udp, tcp
  std::string address;  // the path, or an address
  std::uint16_t port = 0;
  std::string tag;
  std::string format;                         // of syslog: rfc3164, rfc5424, rfc5424micro; empty: Docker's
  unsigned facility = 3;                      // of syslog
  bool sub_second = false;                    // of fluentd
  std::map<std::string, std::string> fields;  // further ones, under the names that the driver gives them
};

// log_path: LogUnit::path, in whose directory the file lies.
Result<> write_ship_unit(const std::string& log_path, const ShipUnit& unit);
// nullopt: the file alone gets the log.
Result<std::optional<ShipUnit>> read_ship_unit(const std::string& log_path);

}  // namespace consort::supervisor
