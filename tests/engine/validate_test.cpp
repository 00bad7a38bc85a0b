// Specifications that are refused before anything is created, with Docker's messages.
#include "engine/checks/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <functional>

#include "base/os/files/file.hpp"
#include "engine/start/oci_runtime.hpp"

namespace consort::engine {

using testing::HasSubstr;

const HostInfo two_cpus{.cpus = 2, .cpuset = "0-1", .memory_nodes = "0"};

Result<> validated(const std::function<void(ContainerSpec&)>& change) {
  ContainerSpec spec;
  spec.name = "web-1";
  change(spec);
  Strings warnings;
  return validate_container(spec, two_cpus, warnings);
}

std::string refusal(const std::function<void(ContainerSpec&)>& change) {
  const Result<> valid = validated(change);
  return valid ? "(accepted)" : valid.error().message();
}

struct TemporaryDirectory {
  TemporaryDirectory() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~TemporaryDirectory() { EXPECT_TRUE(remove_tree(path)); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path = testing::TempDir() + "/consort-validate-XXXXXX";
};

struct RefusalCase {
  const char* name;
  std::function<void(ContainerSpec&)> change;
  const char* text;
};

class Refusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(Refusal, HasDockersWords) {
  EXPECT_THAT(refusal(GetParam().change), HasSubstr(GetParam().text));
}

// Otherwise the line of the file could not be shown.
TEST_P(Refusal, SaysWhatItIsAbout) {
  const Result<> valid = validated(GetParam().change);
  ASSERT_FALSE(valid);
  EXPECT_NE(valid.error().subject(), Subject::none) << valid.error().message();
  EXPECT_NE(valid.error().subject_name(), "");
}

const RefusalCase refusals[] = {
    {"Name", [](auto& s) { s.name = "a b"; },
     "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"},
    {"Memory", [](auto& s) { s.resources.memory = 1 << 20; }, "Minimum memory limit allowed is 6MB"},
    {"Reservation",
     [](auto& s) {
       s.resources.memory = 8 << 20;
       s.resources.memory_reservation = 16 << 20;
     },
     "Minimum memory limit can not be less than memory reservation limit, see usage"},
    {"Swap",
     [](auto& s) {
       s.resources.memory = 16 << 20;
       s.resources.memory_swap = 8 << 20;
     },
     "Minimum memoryswap limit should be larger than memory limit, see usage"},
    {"Cpus", [](auto& s) { s.resources.nano_cpus = 3'000'000'000; },
     "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"},
    {"Cpuset", [](auto& s) { s.resources.cpuset_cpus = "9"; },
     "Requested CPUs are not available - requested 9, available: 0-1"},
    {"Capability", [](auto& s) { s.cap_add = {"FOO"}; }, "invalid CapAdd: unknown capability: \"CAP_FOO\""},
    {"Sysctl",
     [](auto& s) {
       s.sysctls = {{"kernel.panic", "1"}};
     },
     "sysctl 'kernel.panic=1' is not allowed"},
    {"HostnameAndSharedNetwork",
     [](auto& s) {
       s.network_mode = "container:x";
       s.hostname = "h";
     },
     "conflicting options: hostname and the network mode"},
    {"PortsAndSharedNetwork",
     [](auto& s) {
       s.network_mode = "container:x";
       s.ports = {{.container_port = 80}};
     },
     "conflicting options: port publishing and the container type network mode"},
    {"LogTypo",
     [](auto& s) {
       s.log.driver = "gelf";
       s.log.options = {{"gelf-address", "udp://127.0.0.1:1"}, {"gelf-compresion-type", "none"}};
     },
     "unknown log opt 'gelf-compresion-type' for gelf log driver"},
    {"LogPacking",
     [](auto& s) {
       s.log.driver = "gelf";
       s.log.options = {{"gelf-address", "tcp://127.0.0.1:1"}, {"gelf-compression-type", "none"}};
     },
     "compression is only supported on UDP"},
    {"LogDriver", [](auto& s) { s.log.driver = "foo"; },
     "error looking up logging plugin foo: plugin \"foo\" not found"},
    {"LogOption",
     [](auto& s) {
       s.log.options = {{"foo", "1"}};
     },
     "unknown log opt 'foo' for json-file log driver"},
    {"LogMode",
     [](auto& s) {
       s.log.options = {{"mode", "fast"}};
     },
     "logger: logging mode \"fast\" is not supported"},
    {"LogBuffer",
     [](auto& s) {
       s.log.options = {{"max-buffer-size", "4m"}};
     },
     "logger: max-buffer-size option is only supported with 'mode=non-blocking'"},
    {"RelativeBind", [](auto& s) { s.mounts = {{.type = MountType::bind, .source = "/P", .target = "b"}}; },
     "invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute"},
    {"MountTwice",
     [](auto& s) {
       s.mounts = {{.type = MountType::volume, .source = "v1", .target = "/x"}};
       s.tmpfs = {{"/x/", ""}};
     },
     "Duplicate mount point: /x/"},
    {"Ulimit",
     [](auto& s) {
       s.ulimits = {{"nofile", 5, 3}};
     },
     "ulimit soft limit must be less than or equal to hard limit: 5 > 3"},
    {"UlimitName",
     [](auto& s) {
       s.ulimits = {{"foo", 1, 1}};
     },
     "invalid ulimit type: foo"},
    {"Gpus", [](auto& s) { s.device_requests = {"gpu"}; }, "could not select device driver"},
    {"StorageOption",
     [](auto& s) {
       s.storage_opt = {{"size", "1g"}};
     },
     "--storage-opt is supported only"},
    {"DeviceRuleWithoutMajor", [](auto& s) { s.device_cgroup_rules = {"c 1l:3 rwm"}; },
     "invalid device cgroup rule format: 'c 1l:3 rwm'"},
    {"DeviceRuleWithoutMinor", [](auto& s) { s.device_cgroup_rules = {"c 1: rwm"}; },
     "invalid device cgroup rule format: 'c 1: rwm'"},
    {"DeviceRuleBelowAllNumbers", [](auto& s) { s.device_cgroup_rules = {"c -1:3 rwm"}; },
     "invalid device cgroup rule format: 'c -1:3 rwm'"},
    {"DeviceRuleAboveAllNumbers", [](auto& s) { s.device_cgroup_rules = {"c 1:4294967299 rwm"}; },
     "invalid device cgroup rule format: 'c 1:4294967299 rwm'"},
    {"DeviceRuleAboveAllIntegers", [](auto& s) { s.device_cgroup_rules = {"c 99999999999999999999:3 rwm"}; },
     "invalid device cgroup rule format: 'c 99999999999999999999:3 rwm'"},
    {"SecurityOption", [](auto& s) { s.security_opt = {"foo"}; }, "invalid --security-opt: \"foo\""},
    {"Sctp", [](auto& s) { s.ports = {{.container_port = 80, .protocol = "sctp"}}; }, "sctp"},
    {"LinkLocal", [](auto& s) { s.networks = {{.network = "n", .link_local_ips = {"169.254.1"}}}; },
     "invalid link-local IP address: 169.254.1"},
    {"Runtime", [](auto& s) { s.runtime = "nosuchruntime"; }, "unknown or invalid runtime name: nosuchruntime"},
    {"RuntimeByPath", [](auto& s) { s.runtime = "/bin/sh"; }, "unknown or invalid runtime name: /bin/sh"},
    {"RuntimeByRelativePath", [](auto& s) { s.runtime = "../bin/sh"; }, "unknown or invalid runtime name: ../bin/sh"},
    {"ProgramThatIsNoRuntime", [](auto& s) { s.runtime = "sh"; }, "unknown or invalid runtime name: sh"},
    {"DnsSearch", [](auto& s) { s.dns_search = {"a\nnameserver 192.0.2.1"}; }, "is not a valid domain"},
    {"DnsOption", [](auto& s) { s.dns_opt = {"ndots:1\rx"}; }, "is not a valid option of resolv.conf"},
    {"Hostname", [](auto& s) { s.hostname = "a\n192.0.2.1"; }, "invalid hostname format: a\n"},
    {"HostnameOfTwoWords", [](auto& s) { s.hostname = "a b"; }, "invalid hostname format: a b"},
    {"Domainname", [](auto& s) { s.domainname = "a\tb"; }, "invalid domainname format: a\tb"},
    {"ExtraHost",
     [](auto& s) {
       s.extra_hosts = {{"a\n192.0.2.1 b", "192.0.2.2"}};
     },
     "bad format for add-host"},
    {"Link", [](auto& s) { s.links = {"web:a\nb"}; }, "bad format for links"},
    {"Alias", [](auto& s) { s.networks = {{.network = "n", .aliases = {"a\nb"}}}; }, "invalid alias on network n"},
    {"WorkingDirectory", [](auto& s) { s.working_dir = "relative"; },
     "the working directory 'relative' is invalid, it needs to be an absolute path"},
    {"AutoRemove",
     [](auto& s) {
       s.auto_remove = true;
       s.restart.mode = RestartMode::always;
     },
     "can't create 'AutoRemove' container with restart policy"},
    {"UserNamespace", [](auto& s) { s.userns_mode = "auto"; }, "invalid USER mode: auto"},
    {"VolumeDriver", [](auto& s) { s.mounts = {{.target = "/v", .volume_driver = "x"}}; }, "plugin \"x\" not found"},
};

INSTANTIATE_TEST_SUITE_P(All, Refusal, testing::ValuesIn(refusals),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Validate, AcceptsWhatIsFine) {
  EXPECT_EQ(refusal([](ContainerSpec&) {}), "(accepted)");
  EXPECT_EQ(refusal([](ContainerSpec& s) {
              s.resources.memory = 6 << 20;
              s.resources.nano_cpus = 10'000'000;
              s.resources.cpuset_cpus = "0,1";
              s.cap_add = {"net_admin", "ALL"};
              s.cap_drop = {"ALL"};
              s.security_opt = {"no-new-privileges:true", "seccomp=unconfined", "label=disable"};
              s.sysctls = {{"net.core.somaxconn", "1"}};
              s.expose = {"8000-8010/udp"};
              s.device_cgroup_rules = {"c 1:3 rwm", "a *:* m"};
              s.hostname = "web-1.example_x";
              s.dns_search = {"a.example", "."};
              s.dns_opt = {"ndots:2", "use-vc"};
              s.links = {"web-1:web"};
            }),
            "(accepted)");
}

TEST(RuntimeProgram, IsOurOwnARegisteredOneOrAKnownOne) {
  TemporaryDirectory directory;
  const std::string daemon = directory.path + "/daemon.json";
  const auto program = [&](const std::string& name) {
    const Result<std::string> path = runtime_program(name, daemon);
    return path ? *path : "(" + path.error().message() + ")";
  };
  for (const char* own : {"", "consort", "io.containerd.runc.v2"}) EXPECT_EQ(program(own), "") << own;
  EXPECT_EQ(program("mine"), "(unknown or invalid runtime name: mine)");
  ASSERT_TRUE(write_file_atomic(daemon, R"({"runtimes": {"mine": {"path": "/bin/sh"}, "found": {"path": "sh"},
      "relative": {"path": "./sh"}, "gone": {"path": "/nonexistent/sh"}, "shim": {"runtimeType": "io.containerd.x"},
      "arguments": {"path": "/bin/sh", "runtimeArgs": ["-c"]}}})"));
  EXPECT_EQ(program("mine"), "/bin/sh");
  EXPECT_THAT(program("found"), testing::EndsWith("bin/sh"));
  for (const char* bad : {"relative", "gone", "sh", "/bin/sh", "bin/sh", ".."})
    EXPECT_EQ(program(bad), std::string("(unknown or invalid runtime name: ") + bad + ")");
  for (const char* unsupported : {"shim", "arguments"})
    EXPECT_EQ(runtime_program(unsupported, daemon).error().code(), Code::unsupported) << unsupported;
  ASSERT_TRUE(write_file_atomic(daemon, "{"));
  EXPECT_THAT(program("mine"), HasSubstr("daemon.json"));
}

TEST(Validate, PublishedPortsOfTheHostsNetworkAreWarnedAbout) {
  ContainerSpec spec;
  spec.network_mode = "host";
  spec.ports = {{.host_port = 80, .container_port = 80}};
  Strings warnings;
  ASSERT_TRUE(validate_container(spec, two_cpus, warnings));
  EXPECT_THAT(warnings, testing::ElementsAre("Published ports are discarded when using host network mode"));
}

TEST(LogLimits, AreReadAndChecked) {
  const LogLimits limits = read_log_limits({.driver = {}, .options = {{"max-size", "10m"}, {"max-file", "3"}}}).value();
  EXPECT_EQ(limits.max_size, 10'000'000U);  // Docker counts in thousands here
  EXPECT_EQ(limits.max_file, 3U);
  EXPECT_EQ(read_log_limits({.driver = {}, .options = {{"max-size", "x"}}}).error().message(),
            "failed to initialize logging driver: invalid size: 'x'");
  EXPECT_TRUE(read_log_limits({.driver = "none", .options = {}})->disabled);
  EXPECT_EQ(read_log_limits({.driver = "local", .options = {}})->max_file, 5U);
}

}  // namespace consort::engine
