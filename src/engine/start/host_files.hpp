// /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, as Docker writes them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

struct HostsInput {
  std::vector<HostEntry> extra;  // in order; "host-gateway" already replaced
  std::vector<std::string> own;  // addresses, network by network, v4 before v6
  std::string hostname, domainname;
};
std::string make_hosts(const HostsInput& input);
// Of a text that the container may have changed: the lines of its own addresses that are gone are taken out, and those
// of others added.
struct HostsChange {
  std::string hostname, domainname;
  std::vector<std::string> gone, added;  // addresses
};
std::string change_hosts(std::string_view text, const HostsChange& change);

struct ResolvConfInput {
  std::string_view host_text;     // the host's resolv.conf
  bool internal_resolver = true;  // 127.0.0.11: on networks of the user
  Strings servers, search, options;
};
// The text begins with a line that carries a sum of the rest.
std::string make_resolv_conf(const ResolvConfInput& input);
// Has somebody (in the container) changed the text that make_resolv_conf made? Then it is theirs.
bool is_edited_resolv_conf(std::string_view text);

}  // namespace consort::engine
