// What every container gets unless told otherwise: Docker's capabilities, mounts, masked paths, devices.
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
std::uint64_t all_capabilities();  // what this process may hand on (its bounding set)
// "NET_ADMIN", "cap_net_admin", "ALL" is not handled here. nullopt: unknown.
std::optional<int> capability_number(std::string_view name);
std::string capability_name(int number);  // "CAP_NET_ADMIN"
std::vector<std::string> capability_names(std::uint64_t mask);
// cap_add / cap_drop with ALL, any case, with or without CAP_. Error: invalid CapAdd: unknown capability: "CAP_FOO".
Result<std::uint64_t> apply_capability_changes(std::uint64_t base, const std::vector<std::string>& add,
                                               const std::vector<std::string>& drop);

const std::vector<std::string>& default_masked_paths();
const std::vector<std::string>& default_readonly_paths();
// /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup, in order. shm_size in bytes.
std::vector<Mount> default_mounts(std::uint64_t shm_size = std::uint64_t{64} << 20);
std::vector<DeviceRule> default_device_rules();
// mount, pid, network, ipc, uts, cgroup: all new.
std::vector<Namespace> default_namespaces();

// The device nodes of the host for `devices:`; a directory gives all below it. target replaces the host path's prefix.
// Error: error gathering device information while adding custom device "/dev/nope": no such file or directory.
Result<std::vector<Device>> host_devices(const std::string& host_path, const std::string& target);
Result<std::vector<Device>> all_host_devices();  // for privileged

// RLIMIT_ number of "nofile", "RLIMIT_NOFILE"; nullopt: unknown.
std::optional<int> rlimit_number(std::string_view name);
// "nofile" of RLIMIT_NOFILE; of what has no name, the number.
std::string rlimit_name(int number);
// SIGTERM of "SIGTERM", "term", "15", "RTMIN+3"; nullopt: unknown.
std::optional<int> signal_number(std::string_view name);

}  // namespace consort::runtime
