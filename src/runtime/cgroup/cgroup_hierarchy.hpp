// Where cgroups are mounted on this machine, and how limits map to cgroup files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup.hpp"

namespace consort::runtime::internal {

struct Hierarchy {
  std::string mount;                     // "/sys/fs/cgroup/memory"
  std::vector<std::string> controllers;  // v1: "cpu", "cpuacct"; v2: cgroup.controllers
  std::string base;                      // v2 without root: our cgroup as a path below mount; else ""
  bool unified = false;

  bool has(std::string_view controller) const;
  bool is_named() const;               // v1 without a controller
  bool takes_every_container() const;  // regardless of its limits
  std::string directory(const std::string& path) const { return mount + base + path; }
};

// Parses the text of /proc/self/mountinfo; "name=systemd" is the controller of a named hierarchy.
std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo);
std::string unified_group(std::string_view proc_cgroup);           // of the text of /proc/PID/cgroup; "" if none
std::string unified_group_of(const std::string& process);          // "self" or a pid
std::string delegated_group_of(const std::string& unified_group);  // "" if it is not such a leaf
// This machine's hierarchies, determined once. The first one contains every container, so claims are in it.
const std::vector<Hierarchy>& hierarchies();

struct CgroupWrite {
  std::string controller;
  std::string file;
  std::string text;
};
// Pure. The writes are in an order that the kernel accepts for a new cgroup.
std::vector<CgroupWrite> limits_v1(const Resources& resources);
std::vector<CgroupWrite> limits_v2(const Resources& resources);
std::uint64_t cpu_weight_of_shares(std::uint64_t shares);  // 2..262144 to 1..10000

// v2: attaches a BPF program with the semantics of v1's devices controller.
Result<> attach_device_filter(int cgroup_directory, const std::vector<DeviceRule>& rules);

}  // namespace consort::runtime::internal
