// What an administrator has said for all projects: docs/reference/settings.md.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort {

struct Settings {
  // Of containers of root. automatic: in a user namespace of its own, where that can be had and the file does not ask
  // for what only root of the machine has.
  enum class Users : std::uint8_t { of_machine, automatic } users = Users::of_machine;
  // Published ports of root. open: the kernel leads packets to the container before the host's rules for what comes in
  // are asked, as with Docker. filtered: those rules decide, as for any program that listens.
  enum class PublishedPorts : std::uint8_t { open, filtered } published_ports = PublishedPorts::open;
};

// One line each: `key = "value"`, or empty, or a comment after "#". Code::invalid names file and line.
Result<Settings> parse_settings(std::string_view text, const std::string& source);
// $CONSORT_SETTINGS, or /etc/consort/consort.conf. Without the file: the defaults.
Result<Settings> read_settings();

}  // namespace consort
