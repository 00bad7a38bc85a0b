// Is this container possible? Everything that can be said from the request and the host alone, before anything is
// made. Error messages are Docker's; what cannot be honoured is refused by its name, what has no effect here becomes a
// warning.
#pragma once

#include "base/error.hpp"
#include "engine/start/host.hpp"
#include "engine/types.hpp"

namespace consort::engine {

Result<> validate_container(const ContainerSpec& spec, const HostInfo& host, Strings& warnings);

// A setting, as Subject::setting names it, that is not possible; the text says why.
std::unexpected<Error> refuse(std::string setting, std::string text);
std::unexpected<Error> refuse_mount(const std::string& target, std::string text);

Result<> validate_name(const std::string& name);
Result<> validate_endpoint(const EndpointSpec& endpoint);
// Parts of the above, each in a file with its like.
Result<> validate_resources(const ContainerSpec& spec, const HostInfo& host, Strings& warnings);
Result<> validate_modes(const ContainerSpec& spec, Strings& warnings);
Result<> validate_mounts(const ContainerSpec& spec);
Result<> validate_security(const ContainerSpec& spec, const HostInfo& host);
Result<> validate_log(const LogSpec& log);

// What security_opt says, read once.
struct SecurityOptions {
  bool no_new_privileges = false;
  bool unconfined_paths = false;  // systempaths=unconfined
  bool writable_cgroups = false;
  std::string seccomp;   // "" = the default, "unconfined", or the text of a profile
  std::string apparmor;  // "" = the default
};
Result<SecurityOptions> read_security_options(const Strings& options);

// The numbers of a log specification; a bad size is Docker's "invalid size: 'x'".
struct LogLimits {
  std::uint64_t max_size = 0;  // bytes; 0 = without limit
  unsigned max_file = 1;
  bool disabled = false;
};
Result<LogLimits> read_log_limits(const LogSpec& log);

// "8000-8010/udp" to its ports. Code::invalid for anything else.
struct PortRange {
  std::uint16_t first = 0, last = 0;
  std::string protocol;
};
Result<PortRange> parse_exposed(const std::string& text);

}  // namespace consort::engine
