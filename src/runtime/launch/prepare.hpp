// From a Spec to what the child needs: everything that can fail with an explanation happens here, in the parent.
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
std::vector<PreparedDevice> devices_of(const Spec& spec);  // with those that every container has
std::string node_of(const PreparedDevice& device);         // the host's, which may have another name there
Result<> make_device_nodes(int dev, const Spec& spec);     // those below /dev, for users of containers
void prepare_sysctls(const Spec& spec, Prepared& plan);

// Shared with exec. root: where passwd and group are looked up.
Result<> prepare_process(const Process& process, int root, bool with_init, Prepared& plan);
// After prepare_process(). program: host path of consort-init; "": none.
Result<> prepare_attendant(const std::string& program, Prepared& plan);
Result<> prepare_stdio(const StdioFds& stdio, Prepared& plan);
// To the user of a container whose root has another number here; from inside nobody could.
void give_pipes(std::uint32_t root, Prepared& plan);
Result<> prepare_filter(const std::string& path, Prepared& plan);
// The last of these: fills plan.kept.
void keep_only_own(int sync, Prepared& plan);
Result<> prepare_cgroup(const Cgroup& cgroup, Prepared& plan);

// Of a bundle that is not our own; after the others, before keep_only_own().
Result<> prepare_foreign(const Spec& spec, const LaunchOptions& options, Prepared& plan);
// What of it an exec has, too.
Result<> prepare_foreign_process(const Process& process, Prepared& plan);
Result<> prepare_foreign_exec(const Process& process, const ExecOptions& options, Fd& root, Prepared& plan);
// "0-3,7" as sched_setaffinity wants it.
Result<std::vector<unsigned char>> processor_set(const std::string& text);

// An id map as the kernel wants it, of a process whose user namespace has none yet.
Result<> write_maps(pid_t pid, const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids);
std::string map_text(const std::vector<IdMapping>& mappings);  // as /proc/PID/uid_map takes it

// For a container in a user namespace: a directory of nodes with the owner and mode that the config says, named by
// their index. Devices that the config does not list are not in it.
Result<Fd> make_own_nodes(const std::vector<PreparedDevice>& devices, const Spec& spec);

// A detached tmpfs with the options of its file system ("size=64k,mode=755"), and one that holds a copy of what is
// below path in the root.
Result<Fd> make_tmpfs(const std::string& data);
Result<Fd> make_copied_tmpfs(int root, const std::string& path, const std::string& data);

// The failed step in the words of the user.
Error explain(const Prepared& plan, const struct Report& report);
Error explain_external(const std::string& text);  // the program's own words, with what launch.cpp would have said

}  // namespace consort::runtime::internal
