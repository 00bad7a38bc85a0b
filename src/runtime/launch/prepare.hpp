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
void prepare_sysctls(const Spec& spec, Prepared& plan);

// Shared with exec. root: where passwd and group are looked up.
Result<> prepare_process(const Process& process, int root, bool with_init, Prepared& plan);
// After prepare_process(). program: host path of consort-init; "": none.
Result<> prepare_attendant(const std::string& program, Prepared& plan);
Result<> prepare_stdio(const StdioFds& stdio, Prepared& plan);
Result<> prepare_filter(const std::string& path, Prepared& plan);
// The last of these: fills plan.kept.
void keep_only_own(int sync, Prepared& plan);
Result<> prepare_cgroup(const Cgroup& cgroup, Prepared& plan);

// The failed step in the words of the user.
Error explain(const Prepared& plan, const struct Report& report);
Error explain_external(const std::string& text);  // the program's own words, with what launch.cpp would have said

}  // namespace consort::runtime::internal
