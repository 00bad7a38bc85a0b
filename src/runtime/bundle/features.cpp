// What this runtime supports, and a config to start from: documents defined by the runtime specification.
#include <unistd.h>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/version.hpp"
#include "runtime/bundle.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/defaults.hpp"
#include "runtime/spec/mount_options.hpp"

namespace consort::runtime {

namespace {

Json seccomp_features() {
  return {{"enabled", true},
          {"actions",
           {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
            "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
          {"operators",
           {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
            "SCMP_CMP_NE"}},
          {"archs",
           {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_S390X",
            "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"}},
          {"knownFlags",
           {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}},
          {"supportedFlags",
           {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}}};
}

Json linux_features() {
  const CgroupVersion version = cgroup_version();
  constexpr std::uint64_t every = (std::uint64_t{1} << 41) - 1;
  return {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
          {"capabilities", capability_names(every)},
          {"cgroup",
           {{"v1", version == CgroupVersion::v1 || version == CgroupVersion::hybrid},
            {"v2", version == CgroupVersion::v2 || version == CgroupVersion::hybrid},
            {"systemd", false},
            {"systemdUser", false},
            {"rdma", true}}},
          {"seccomp", seccomp_features()},
          {"apparmor", {{"enabled", true}}},
          {"selinux", {{"enabled", true}}},
          {"intelRdt", {{"enabled", false}}},
          {"mountExtensions", {{"idmap", {{"enabled", true}}}}}};
}

Json capability_sets() {
  const Json names = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  return {{"bounding", names}, {"effective", names}, {"permitted", names}};
}

Json example_mounts(bool rootless) {
  Json mounts = Json::array();
  for (const Mount& mount : default_mounts()) {
    Json entry = {
        {"destination", mount.destination}, {"type", mount.type}, {"source", mount.source}, {"options", mount.options}};
    // An unmapped group cannot own anything.
    if (rootless && mount.type == "devpts")
      entry["options"] = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
    mounts.push_back(std::move(entry));
  }
  return mounts;
}

Json example_linux(bool rootless) {
  Json namespaces = Json::array();
  for (const char* const type : {"pid", "network", "ipc", "uts", "mount", "cgroup"})
    namespaces.push_back({{"type", type}});
  Json section = {{"resources", {{"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})}}}};
  if (rootless) {
    namespaces.push_back({{"type", "user"}});
    section = {{"uidMappings", Json::array({{{"containerID", 0}, {"hostID", ::geteuid()}, {"size", 1}}})},
               {"gidMappings", Json::array({{{"containerID", 0}, {"hostID", ::getegid()}, {"size", 1}}})}};
  }
  section["namespaces"] = std::move(namespaces);
  section["maskedPaths"] = default_masked_paths();
  section["readonlyPaths"] = default_readonly_paths();
  return section;
}

}  // namespace

std::string features_json() {
  const Json features = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", "1.2.0"},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions", internal::mount_option_words()},
      {"linux", linux_features()},
      {"annotations", {{"dev.consort.version", version}}},
      {"potentiallyUnsafeConfigAnnotations", Json::array({"dev.consort.init", "dev.consort.user"})}};
  return dump_json(features, 2);
}

std::string example_config(bool rootless) {
  const Json process = {{"terminal", true},
                        {"user", {{"uid", 0}, {"gid", 0}}},
                        {"args", {"sh"}},
                        {"env", {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"}},
                        {"cwd", "/"},
                        {"capabilities", capability_sets()},
                        {"rlimits", Json::array({{{"type", "RLIMIT_NOFILE"}, {"hard", 1024}, {"soft", 1024}}})},
                        {"noNewPrivileges", true}};
  const Json config = {{"ociVersion", "1.2.0"},
                       {"process", process},
                       {"root", {{"path", "rootfs"}, {"readonly", true}}},
                       {"hostname", "consort"},
                       {"mounts", example_mounts(rootless)},
                       {"linux", example_linux(rootless)}};
  return dump_json(config, 8);
}

}  // namespace consort::runtime
