// config.json: the defaults, and what changes them. The runtime's own parser reads back what we write.
#include "engine/start/oci.hpp"
#include "engine/start/oci_resources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "runtime/defaults.hpp"

namespace consort::engine {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

runtime::Spec generate(const ContainerSpec& spec, const std::function<void(OciInput&)>& change = {}) {
  ProcessConfig process;
  process.argv = {"/bin/app", "x"};
  process.environment = {"A=1"};
  process.working_dir = "/srv";
  process.user = spec.user;
  OciInput input{.id = std::string(64, 'a'),
                 .bundle = "/b",
                 .spec = spec,
                 .process = process,
                 .hostname = "box",
                 .capabilities = runtime::default_capabilities,
                 .host_files = "/b",
                 .cgroups_path = "/consort/x"};
  if (change) change(input);
  const Result<std::string> text = make_oci_config(input);
  EXPECT_TRUE(text) << text.error().message();
  Result<runtime::Spec> parsed = runtime::parse_spec(*text, "generated");
  EXPECT_TRUE(parsed) << parsed.error().message();
  return std::move(*parsed);
}

const runtime::Mount* find_mount(const runtime::Spec& spec, const std::string& target) {
  const auto found = std::ranges::find(spec.mounts, target, &runtime::Mount::destination);
  return found == spec.mounts.end() ? nullptr : &*found;
}

TEST(Oci, ADefaultContainer) {
  const runtime::Spec spec = generate({});
  EXPECT_THAT(spec.process.args, ElementsAre("/bin/app", "x"));
  EXPECT_THAT(spec.process.env,
              ElementsAre("A=1", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=box"));
  EXPECT_EQ(spec.process.cwd, "/srv");
  EXPECT_EQ(spec.process.user.name, "0");
  EXPECT_EQ(spec.hostname, "box");
  EXPECT_EQ(spec.process.capabilities->bounding, runtime::default_capabilities);
  EXPECT_EQ(spec.process.capabilities->effective, runtime::default_capabilities);
  EXPECT_EQ(spec.process.capabilities->inheritable, 0U);
  EXPECT_EQ(spec.process.capabilities->ambient, 0U);
  EXPECT_EQ(spec.linux_.namespaces.size(), 6U);
  EXPECT_EQ(spec.linux_.masked_paths, runtime::default_masked_paths());
  EXPECT_EQ(spec.linux_.readonly_paths, runtime::default_readonly_paths());
  EXPECT_EQ(spec.linux_.cgroups_path, "/consort/x");
  EXPECT_FALSE(spec.process.no_new_privileges);
  EXPECT_FALSE(spec.linux_.resources.memory_limit);
  ASSERT_NE(find_mount(spec, "/etc/hosts"), nullptr);
  EXPECT_EQ(find_mount(spec, "/etc/hosts")->source, "/b/hosts");
  EXPECT_THAT(find_mount(spec, "/sys")->options, Contains("ro"));
}

TEST(Oci, APrivilegedContainer) {
  ContainerSpec wanted;
  wanted.privileged = true;
  const runtime::Spec spec = generate(wanted);
  EXPECT_THAT(spec.linux_.masked_paths, IsEmpty());
  EXPECT_THAT(spec.linux_.readonly_paths, IsEmpty());
  EXPECT_THAT(find_mount(spec, "/sys")->options, Not(Contains("ro")));
  ASSERT_EQ(spec.linux_.resources.devices.size(), 1U);
  EXPECT_TRUE(spec.linux_.resources.devices[0].allow);
  EXPECT_EQ(spec.linux_.resources.devices[0].type, 'a');
}

// As in a record of an earlier version.
TEST(Oci, ADeviceRuleThatCannotBeReadIsNotLeftOut) {
  const ProcessConfig process;
  const ContainerSpec spec{.device_cgroup_rules = {"c 1:3 rwm", "c 1l:3 rwm"}};
  const auto made = resources_json({.spec = spec, .process = process});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "invalid device cgroup rule format: 'c 1l:3 rwm'");
}

TEST(Oci, Limits) {
  ContainerSpec wanted;
  wanted.resources.memory = 64 << 20;
  wanted.resources.nano_cpus = 500'000'000;
  wanted.resources.pids_limit = 0;
  wanted.ulimits = {{"nofile", 10, -1}};
  wanted.oom_score_adj = 7;
  const runtime::Spec spec = generate(wanted);
  EXPECT_EQ(spec.linux_.resources.memory_limit, 64 << 20);
  EXPECT_EQ(spec.linux_.resources.memory_swap, 128 << 20);
  EXPECT_EQ(spec.linux_.resources.cpu_quota, 50'000);
  EXPECT_EQ(spec.linux_.resources.cpu_period, 100'000U);
  EXPECT_EQ(spec.linux_.resources.pids_limit, -1);
  ASSERT_EQ(spec.process.rlimits.size(), 1U);
  EXPECT_EQ(spec.process.rlimits[0].soft, 10U);
  EXPECT_EQ(spec.process.rlimits[0].hard, UINT64_MAX);
  EXPECT_EQ(spec.process.oom_score_adj, 7);
}

TEST(Oci, AMountOfTheUserTakesThePlaceOfADefault) {
  const runtime::Spec spec = generate({}, [](OciInput& input) {
    input.mounts = {{"/dev/shm", "tmpfs", "tmpfs", {"size=1m"}}, {"/etc/hosts", "bind", "/mine", {"rbind"}}};
  });
  EXPECT_EQ(std::ranges::count(spec.mounts, "/dev/shm", &runtime::Mount::destination), 1);
  EXPECT_EQ(find_mount(spec, "/etc/hosts")->source, "/mine");
}

TEST(Oci, HostModesShareNamespaces) {
  ContainerSpec wanted;
  wanted.network_mode = "host";
  wanted.cgroup_mode = "host";
  const runtime::Spec spec = generate(wanted, [](OciInput& input) {
    input.pid_namespace = "host";
    input.ipc_namespace = "/proc/1/ns/ipc";
    input.uts_namespace = "host";
  });
  EXPECT_EQ(spec.find_namespace(runtime::NamespaceKind::network), nullptr);
  EXPECT_EQ(spec.find_namespace(runtime::NamespaceKind::cgroup), nullptr);
  EXPECT_EQ(spec.find_namespace(runtime::NamespaceKind::pid), nullptr);
  EXPECT_EQ(spec.find_namespace(runtime::NamespaceKind::uts), nullptr);
  EXPECT_EQ(spec.find_namespace(runtime::NamespaceKind::ipc)->path, "/proc/1/ns/ipc");
  EXPECT_EQ(spec.hostname, "");
}

TEST(Oci, UserGroupsAndInitTravelAsAnnotations) {
  ContainerSpec wanted;
  wanted.user = "alice:staff";
  wanted.group_add = {"audio", "1500"};
  wanted.init = true;
  const runtime::Spec spec = generate(wanted);
  EXPECT_EQ(spec.process.user.name, "alice:staff");
  EXPECT_THAT(spec.process.user.group_names, ElementsAre("audio", "1500"));
  EXPECT_EQ(spec.annotations.at(std::string(runtime::init_annotation)), "true");
}

TEST(Oci, SysctlsGoWhereTheirNamespaceIs) {
  ContainerSpec wanted;
  wanted.sysctls = {{"net.core.somaxconn", "5"}, {"kernel.sem", "1 2 3 4"}};
  EXPECT_EQ(runtime_sysctls(wanted), (StringMap{{"kernel.sem", "1 2 3 4"}}));
  EXPECT_EQ(network_sysctls(wanted).at("net.core.somaxconn"), "5");
  EXPECT_EQ(network_sysctls(wanted).at("net.ipv4.ip_unprivileged_port_start"), "0");
}

TEST(Oci, ABlockDeviceThatIsNotThereIsNamed) {
  ContainerSpec wanted;
  wanted.resources.blkio_read_bps = {{"/dev/nope", 1}};
  const ProcessConfig process;
  const Result<std::string> text = make_oci_config({.id = "x", .bundle = "/b", .spec = wanted, .process = process});
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message(), HasSubstr("/dev/nope"));
}

}  // namespace consort::engine
