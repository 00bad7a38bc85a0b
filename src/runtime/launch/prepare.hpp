// Turns a Spec into what the child needs: everything that can fail with an explanation happens here, in the parent. For
// a container, prepare_namespaces() comes first, then prepare_root(), which prepare_mounts() and prepare_process()
// need.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup.hpp"
#include "runtime/exec.hpp"
#include "runtime/launch.hpp"
#include "runtime/launch/prepared.hpp"

namespace consort::runtime::internal {

inline constexpr std::string_view init_target = "/sbin/docker-init";

Result<> prepare_root(const Spec& spec, const LaunchOptions& options, Prepared& plan);
Result<> prepare_namespaces(const Spec& spec, const LaunchOptions& options, Prepared& plan);
Result<> prepare_mounts(const Spec& spec, const LaunchOptions& options, const Cgroup* cgroup, Prepared& plan);
void prepare_devices(const Spec& spec, Prepared& plan);
inline constexpr std::string_view dev_prefix = "/dev/";
std::vector<PreparedDevice> devices_of(const Spec& spec);  // including those that every container has
std::string node_of(const PreparedDevice& device);         // the host's node, which may have another name
Result<> make_device_nodes(int dev, const Spec& spec);     // below /dev, for containers with their own users
void prepare_sysctls(const Spec& spec, Prepared& plan);

// Also for exec. root: where passwd and group are looked up.
Result<> prepare_process(const Process& process, int root, bool with_init, Prepared& plan);
// Call it after prepare_process(). program: host path of consort-init; "": none.
Result<> prepare_attendant(const std::string& program, Prepared& plan);
Result<> prepare_stdio(const StdioFds& stdio, Prepared& plan);
// Gives the pipes to the container's root, which has another ID here; inside the container, nobody could do that.
void give_pipes(std::uint32_t root, Prepared& plan);
Result<> prepare_filter(const std::string& path, Prepared& plan);
// The last call: fills plan.kept.
void keep_only_own(int sync, Prepared& plan);
Result<> prepare_cgroup(const Cgroup& cgroup, Prepared& plan);

// For another program's bundle; call it after the others and before keep_only_own().
Result<> prepare_foreign(const Spec& spec, const LaunchOptions& options, Prepared& plan);
// The part of it that also applies to exec.
Result<> prepare_foreign_process(const Process& process, Prepared& plan);
Result<> prepare_foreign_exec(const Process& process, const ExecOptions& options, Fd& root, Prepared& plan);
// Parses "0-3,7" for sched_setaffinity.
Result<std::vector<unsigned char>> processor_set(const std::string& text);

// Writes the ID maps of a process whose user namespace has none yet.
Result<> write_maps(pid_t pid, const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids);
std::string map_text(const std::vector<IdMapping>& mappings);  // in the format of /proc/PID/uid_map

// For a container in a user namespace: a directory of nodes with the config's owners and modes, named by index.
// Contains only devices in the config.
Result<Fd> make_own_nodes(const std::vector<PreparedDevice>& devices, const Spec& spec);

// A detached tmpfs with the given options ("size=64k,mode=755"), and one that contains a copy of the files below a path
// in the root.
Result<Fd> make_tmpfs(const std::string& data);
Result<Fd> make_copied_tmpfs(int root, const std::string& path, const std::string& data);

// Converts the report of a failed step to an error for the user.
Error explain(const Prepared& plan, const struct Report& report);
Error explain_external(const std::string& text);  // the program's message, with hints as in launch.cpp

}  // namespace consort::runtime::internal
