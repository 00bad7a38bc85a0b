// The contents of a container's /etc/hosts, /etc/hostname and /etc/resolv.conf, as Docker writes them. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

struct HostsInput {
  std::vector<HostEntry> extra;  // in order; "host-gateway" already replaced
  std::vector<std::string> own;  // addresses, network by network, IPv4 before IPv6
  std::string hostname, domainname;
};
std::string make_hosts(const HostsInput& input);
// For a text that the container may have edited: removes the lines of its own addresses in `gone` and adds lines for
// those in `added`.
struct HostsChange {
  std::string hostname, domainname;
  std::vector<std::string> gone, added;  // addresses
};
std::string change_hosts(std::string_view text, const HostsChange& change);

struct ResolvConfInput {
  std::string_view host_text;     // the host's resolv.conf
  bool internal_resolver = true;  // 127.0.0.11: on user-defined networks
  Strings servers, search, options;
};
// The text begins with a comment line that contains a checksum of the rest.
std::string make_resolv_conf(const ResolvConfInput& input);
// Whether a process in the container has changed the text that make_resolv_conf produced; then it must be left alone.
bool is_edited_resolv_conf(std::string_view text);

}  // namespace consort::engine
