// Validates a request for a container: everything that can be checked from the request and the host alone, before
// anything is created. Error messages are Docker's. Settings that cannot be honoured are refused by name; settings that
// have no effect here become warnings.
#pragma once

#include "base/error.hpp"
#include "engine/start/host.hpp"
#include "engine/types.hpp"

namespace consort::engine {

Result<> validate_container(const ContainerSpec& spec, const HostInfo& host, Strings& warnings);

// An error about a setting, named as for Subject::setting; the text says why it is not possible.
std::unexpected<Error> refuse(std::string setting, std::string text);
std::unexpected<Error> refuse_mount(const std::string& target, std::string text);

Result<> validate_name(const std::string& name);
Result<> validate_endpoint(const EndpointSpec& endpoint);
// Parts of validate_container(), each in its own file.
Result<> validate_resources(const ContainerSpec& spec, const HostInfo& host, Strings& warnings);
Result<> validate_modes(const ContainerSpec& spec, Strings& warnings);
Result<> validate_mounts(const ContainerSpec& spec);
Result<> validate_security(const ContainerSpec& spec, const HostInfo& host);
Result<> validate_log(const LogSpec& log);

// The parsed security_opt.
struct SecurityOptions {
  bool no_new_privileges = false;
  bool unconfined_paths = false;  // systempaths=unconfined
  bool writable_cgroups = false;
  std::string seccomp;   // "" = the default, "unconfined", or the JSON text of a profile
  std::string apparmor;  // "" = the default
};
Result<SecurityOptions> read_security_options(const Strings& options);

// The numeric options of a log specification; a bad size is Docker's "invalid size: 'x'".
struct LogLimits {
  std::uint64_t max_size = 0;  // bytes; 0 = unlimited
  unsigned max_file = 1;
  bool disabled = false;
};
Result<LogLimits> read_log_limits(const LogSpec& log);

// Parses "8000-8010/udp". Code::invalid for anything else.
struct PortRange {
  std::uint16_t first = 0, last = 0;
  std::string protocol;
};
Result<PortRange> parse_exposed(const std::string& text);

}  // namespace consort::engine
