#include "runtime/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "runtime/defaults.hpp"
#include "runtime/spec/mount_options.hpp"

namespace consort::runtime {
namespace {

using testing::ElementsAre;

std::string config(const std::string& more) {
  return R"({"ociVersion":"1.2.0","process":{"args":["a"],"cwd":"/"})" + (more.empty() ? "" : "," + more) + "}";
}

std::string message_of(const std::string& json) {
  const Result<Spec> spec = parse_spec(json, "config.json");
  return spec ? "parsed" : spec.error().message();
}

TEST(ParseSpec, ReadsWhatItKnows) {
  const Spec spec = parse_spec(R"({
    "ociVersion": "1.2.0", "hostname": "h", "domainname": "d",
    "root": {"path": "/r", "readonly": true},
    "process": {
      "terminal": true, "consoleSize": {"height": 24, "width": 80},
      "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4]},
      "args": ["sh", "-c"], "env": ["A=1"], "cwd": "/w", "noNewPrivileges": true, "oomScoreAdj": -5,
      "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_OF_TOMORROW"], "ambient": ["CAP_KILL"]},
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 18446744073709551615}]},
    "mounts": [{"destination": "/a/../b", "type": "tmpfs", "source": "s", "options": ["ro"]}],
    "annotations": {"dev.consort.user": "alice", "dev.consort.group-add": "x,7"},
    "linux": {
      "namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}],
      "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
      "devices": [{"path": "/dev/x", "type": "b", "major": 7, "minor": 1, "fileMode": 384}],
      "resources": {"memory": {"limit": 9, "swap": -1}, "cpu": {"quota": 5, "cpus": "0"}, "pids": {"limit": 3},
                    "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1}],
                    "unified": {"memory.high": "7"}},
      "cgroupsPath": "/g", "maskedPaths": ["/m"], "readonlyPaths": ["/r"], "sysctl": {"net.x": "1"},
      "seccomp": {}}})",
                               "config.json")
                        .value();
  EXPECT_EQ(spec.hostname, "h");
  EXPECT_TRUE(spec.root_readonly);
  EXPECT_EQ(spec.process.user.umask, 022u);
  EXPECT_THAT(spec.process.user.additional_gids, ElementsAre(3, 4));
  EXPECT_EQ(spec.process.user.name, "alice");
  EXPECT_THAT(spec.process.user.group_names, ElementsAre("x", "7"));
  EXPECT_EQ(spec.process.capabilities->bounding, 1u | 1u << 5);
  EXPECT_EQ(spec.process.capabilities->ambient, 1u << 5);
  EXPECT_EQ(spec.process.rlimits.at(0).resource, RLIMIT_NOFILE);
  EXPECT_EQ(spec.process.rlimits.at(0).hard, RLIM_INFINITY);
  EXPECT_EQ(spec.process.oom_score_adj, -5);
  EXPECT_EQ(spec.mounts.at(0).destination, "/b");
  EXPECT_EQ(spec.find_namespace(NamespaceKind::network)->path, "/n");
  EXPECT_EQ(spec.find_namespace(NamespaceKind::ipc), nullptr);
  EXPECT_EQ(spec.linux_.devices.at(0).mode, 0600u);
  EXPECT_EQ(spec.linux_.resources.memory_swap, -1);
  EXPECT_EQ(spec.linux_.resources.pids_limit, 3);
  EXPECT_EQ(spec.linux_.resources.devices.at(1).major, 1);
  EXPECT_EQ(spec.linux_.resources.unified.at("memory.high"), "7");
  EXPECT_TRUE(spec.linux_.has_seccomp);
}

TEST(ParseSpec, MistakesAreNamed) {
  EXPECT_EQ(message_of("[]"), "parse config.json: config.json: not an object");
  EXPECT_EQ(message_of(R"({"ociVersion":"2.0"})"), "parse config.json: ociVersion: \"2.0\" is not a version 1");
  EXPECT_EQ(message_of(R"({"ociVersion":"1.0"})"), "parse config.json: ociVersion: \"1.0\" is not a version 1");
  EXPECT_EQ(message_of(R"({"ociVersion":"1.0.0","process":{"args":[]}})"),
            "parse config.json: process.args: no command specified");
  EXPECT_EQ(message_of(R"({"ociVersion":"1.0.0","process":{"args":["a"],"cwd":"w"}})"),
            "parse config.json: process.cwd: \"w\" is not an absolute path");
  EXPECT_EQ(message_of(config(R"("linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]})")),
            "parse config.json: linux.namespaces: \"pid\" appears twice");
  EXPECT_EQ(message_of(config(R"("linux":{"sysctl":{"../x":"1"}})")),
            "parse config.json: linux.sysctl: \"../x\" is not a sysctl");
  EXPECT_EQ(message_of(config(R"("mounts":[{"destination":"/"}])")),
            "parse config.json: mounts: nothing can be mounted on \"/\"");
  EXPECT_EQ(message_of(config(R"("hooks":{"prestart":[{"path":"x"}]})")),
            "parse config.json: hooks.prestart: path \"x\" is not absolute");
  EXPECT_EQ(message_of(config(R"("hooks":{"poststop":[{"path":"/x","timeout":0}]})")),
            "parse config.json: hooks.poststop: a timeout must be more than 0");
  EXPECT_EQ(message_of(config(R"("linux":{"namespaces":[{"type":"pid","path":"x"}]})")),
            "parse config.json: linux.namespaces: path \"x\" is not absolute");
  EXPECT_EQ(message_of(config(R"("linux":{"resources":{"devices":[{"allow":true,"access":"q"}]}})")),
            "parse config.json: linux.resources.devices: unknown access \"q\"");
  // Their low bits are those of /dev/null, and of "all".
  for (const char* number : {"4294967297", "-4294967295"})
    EXPECT_EQ(
        message_of(config(std::string(R"("linux":{"resources":{"devices":[{"type":"c","major":)") + number + "}]}}")),
        "parse config.json: linux.resources.devices: no device has such a number");
  EXPECT_EQ(message_of(config(R"("linux":{"resources":{"devices":[{"type":"c","major":18446744073709551615}]}})")),
            "parse config.json: linux.resources.devices: too large");
  EXPECT_EQ(message_of(config(R"("linux":{"resources":{"memory":{"limit":18446744073709551615}}})")),
            "parse config.json: linux.resources.memory.limit: too large");
}

TEST(Names, CapabilitiesSignalsAndLimits) {
  EXPECT_EQ(capability_number("cap_net_admin"), 12);
  EXPECT_EQ(capability_name(12), "CAP_NET_ADMIN");
  EXPECT_EQ(capability_number("nonsense"), std::nullopt);
  EXPECT_EQ(capability_names(1u | 1u << 5), (std::vector<std::string>{"CAP_CHOWN", "CAP_KILL"}));
  EXPECT_EQ(apply_capability_changes(0xff, {}, {"all"}).value(), 0u);
  EXPECT_EQ(apply_capability_changes(0xff, {"SYS_ADMIN"}, {"ALL"}).value(), 1u << 21);
  EXPECT_EQ(apply_capability_changes(3, {"kill"}, {"CHOWN"}).value(), 2u | 1u << 5);
  EXPECT_EQ(apply_capability_changes(0, {"foo"}, {}).error().message(),
            "invalid CapAdd: unknown capability: \"CAP_FOO\"");
  EXPECT_EQ(signal_number("SIGTERM"), 15);
  EXPECT_EQ(signal_number("int"), 2);
  EXPECT_EQ(signal_number("9"), 9);
  EXPECT_EQ(signal_number("SIGRTMIN+3"), 37);
  EXPECT_EQ(signal_number("RTMAX-1"), 63);
  for (const char* const bad : {"", "0", "65", "SIGFOO", "RTMIN+99", "-1"}) EXPECT_EQ(signal_number(bad), std::nullopt);
  EXPECT_EQ(rlimit_number("nofile"), RLIMIT_NOFILE);
  EXPECT_EQ(rlimit_number("RLIMIT_CORE"), RLIMIT_CORE);
}

TEST(MountOptions, WordsBecomeFlags) {
  const auto options = internal::parse_mount_options({"rbind", "ro", "nosuid", "rslave", "mode=1777", "size=1m"});
  EXPECT_TRUE(options.bind);
  EXPECT_TRUE(options.recursive);
  EXPECT_EQ(options.set, MS_RDONLY | MS_NOSUID);
  EXPECT_EQ(options.propagation, MS_SLAVE | MS_REC);
  EXPECT_EQ(options.data, "mode=1777,size=1m");
  EXPECT_EQ(internal::parse_mount_options({"ro", "rw"}).set, 0u);
  EXPECT_EQ(internal::parse_mount_options({"rro", "nodev", "rsuid"}).all_set, MS_RDONLY + 0u);
  EXPECT_EQ(internal::parse_mount_options({"rro", "nodev", "rsuid"}).all_clear, MS_NOSUID + 0u);
  EXPECT_EQ(internal::flags_text(MS_RDONLY | MS_NODEV), "ro,nodev");
}

TEST(HostDevices, MissingAndOrdinaryFilesAreRefused) {
  EXPECT_EQ(host_devices("/dev/nope", "/dev/nope").error().message(),
            "error gathering device information while adding custom device \"/dev/nope\": no such file or directory");
  EXPECT_FALSE(host_devices("/etc/passwd", "/dev/x"));
  const auto null = host_devices("/dev/null", "/dev/zilch").value();
  ASSERT_EQ(null.size(), 1u);
  EXPECT_EQ(null[0].path, "/dev/zilch");
  EXPECT_EQ(null[0].major, 1u);
}

}  // namespace
}  // namespace consort::runtime
