// The defaults of every container: Docker's capabilities, mounts, masked paths and devices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

// Bit masks, bit number = CAP_ number.
inline constexpr std::uint64_t default_capabilities = 0xa80425fb;
std::uint64_t all_capabilities();  // those that this process may pass on (its bounding set)
// Accepts "NET_ADMIN", "cap_net_admin"; "ALL" is not handled here. nullopt: unknown.
std::optional<int> capability_number(std::string_view name);
std::string capability_name(int number);  // "CAP_NET_ADMIN"
std::vector<std::string> capability_names(std::uint64_t mask);
// Applies cap_add and cap_drop with ALL, in any case, with or without CAP_. Error: invalid CapAdd: unknown capability:
// "CAP_FOO".
Result<std::uint64_t> apply_capability_changes(std::uint64_t base, const std::vector<std::string>& add,
                                               const std::vector<std::string>& drop);

const std::vector<std::string>& default_masked_paths();
const std::vector<std::string>& default_readonly_paths();
// /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup, in order. shm_size in bytes.
std::vector<Mount> default_mounts(std::uint64_t shm_size = std::uint64_t{64} << 20);
std::vector<DeviceRule> default_device_rules();
// New mount, pid, network, ipc, uts and cgroup namespaces.
std::vector<Namespace> default_namespaces();

// The host's device nodes for `devices:`; a directory stands for all nodes below it. target replaces the prefix
// host_path. Error: error gathering device information while adding custom device "/dev/nope": no such file or
// directory.
Result<std::vector<Device>> host_devices(const std::string& host_path, const std::string& target);
Result<std::vector<Device>> all_host_devices();  // for privileged

// The RLIMIT_ number for "nofile" or "RLIMIT_NOFILE"; nullopt: unknown.
std::optional<int> rlimit_number(std::string_view name);
// "nofile" for RLIMIT_NOFILE; for a limit without a name, the number.
std::string rlimit_name(int number);
// SIGTERM for "SIGTERM", "term" or "15"; also "RTMIN+3"; nullopt: unknown.
std::optional<int> signal_number(std::string_view name);

}  // namespace consort::runtime
