// Settings of the administrator for all projects: docs/reference/settings.md.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort {

struct Settings {
  // For root's containers. automatic: each gets its own user namespace if the machine supports it and the Compose file
  // does not ask for something that requires the machine's root.
  enum class Users : std::uint8_t { of_machine, automatic } users = Users::of_machine;
  // For root's published ports. open: packets are forwarded to the container before the host's input rules apply, as
  // with Docker. filtered: those rules apply, as for any program that listens.
  enum class PublishedPorts : std::uint8_t { open, filtered } published_ports = PublishedPorts::open;
};

// Each line is `key = "value"`, empty, or a comment after "#". Code::invalid names file and line.
Result<Settings> parse_settings(std::string_view text, const std::string& source);
// $CONSORT_SETTINGS, or /etc/consort/consort.conf. Defaults if the file does not exist.
Result<Settings> read_settings();

}  // namespace consort
