#include "supervisor/protocol.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "supervisor/container/record.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {
namespace {

ContainerUnit full_unit() {
  ContainerUnit unit;
  unit.id = std::string(64, 'a');
  unit.name = "shop-web-1";
  unit.project = "shop";
  unit.service = "web";
  unit.number = 3;
  unit.oneoff = true;
  unit.bundle = "/data/containers/aa";
  unit.overlay = OverlayUnit{{"/l2", "/l1"}, "/up", "/work"};
  unit.runtime = "runc";
  unit.cgroup = "/consort/aa";
  unit.tty = true;
  unit.open_stdin = true;
  unit.stdin_once = true;
  unit.log = LogUnit{"/data/containers/aa/log", 1 << 20, 5, true};
  unit.restart = RestartUnit{RestartPolicy::on_failure, 7};
  unit.stop_signal = 2;
  unit.stop_timeout = Milliseconds(90'000);
  unit.health = HealthUnit{
      {"/bin/sh", "-c", "true"}, Milliseconds(1), Milliseconds(2), Milliseconds(3), Milliseconds(4), 9, false};
  unit.network_mode = NetworkMode::container;
  unit.network_container = "bb";
  unit.own_users = true;
  unit.users_of = "dd";
  unit.hostname = "web";
  EndpointUnit endpoint;
  endpoint.network_id = "n1";
  endpoint.network_name = "shop_default";
  endpoint.bridge = "br-1";
  endpoint.ifname = "eth0";
  endpoint.ipv4 = "172.18.0.2/16";
  endpoint.gateway4 = "172.18.0.1";
  endpoint.ipv6 = "fd00::2/64";
  endpoint.gateway6 = "fd00::1";
  endpoint.mac = "02:42:ac:12:00:02";
  endpoint.default_route = true;
  endpoint.internal = true;
  endpoint.routed4 = true;
  endpoint.direct6 = true;
  endpoint.masquerade = false;
  endpoint.mtu = 1400;
  endpoint.dns_names = {"web", "shop-web-1"};
  unit.endpoints = {endpoint};
  unit.sysctls = {{"net.core.somaxconn", "1024"}};
  unit.ports = {PortUnit{"127.0.0.1", 8000, 8010, 80, "udp"}};
  unit.exposed_tcp_ports = {80, 443};
  unit.dns_servers = {"9.9.9.9"};
  unit.link_aliases = {{"database", "cc"}};
  unit.auto_remove = true;
  return unit;
}

// Compares the printed text, because it contains every field.
TEST(Unit, ComesBackAsItWent) {
  const std::string text = unit_to_json(full_unit());
  const auto back = unit_from_json(text, "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(unit_to_json(*back), text);
  EXPECT_EQ(back->endpoints[0].dns_names, full_unit().endpoints[0].dns_names);
  EXPECT_EQ(back->sysctls, full_unit().sysctls);
  EXPECT_EQ(back->ports[0].host_port_end, 8010);
}

TEST(Unit, AMachinesPortsAllFit) {
  ContainerUnit unit = full_unit();
  for (const char* protocol : {"tcp", "udp"})
    for (unsigned port = 1; port <= 65535; ++port)
      unit.ports.push_back({.host_ip = "203.0.113.100",
                            .host_port = static_cast<std::uint16_t>(port),
                            .container_port = static_cast<std::uint16_t>(port),
                            .protocol = protocol});
  const std::string path = testing::TempDir() + "/consort-unit-" + std::to_string(::getpid());
  ASSERT_TRUE(write_file_atomic(path, unit_to_json(unit)));
  const auto back = read_unit(path);
  EXPECT_TRUE(remove_file(path));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->ports.size(), unit.ports.size());
}

TEST(Unit, DefaultsComeBackToo) {
  ContainerUnit unit;
  unit.id = "ab";
  unit.bundle = "/b";
  const auto back = unit_from_json(unit_to_json(unit), "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(unit_to_json(*back), unit_to_json(unit));
  EXPECT_FALSE(back->health);
  EXPECT_FALSE(back->overlay);
}

// Docker's -1 second also means forever.
TEST(Unit, AnyGracePeriodBelowZeroIsForEver) {
  ContainerUnit unit;
  unit.id = "ab";
  unit.bundle = "/b";
  unit.stop_timeout = Milliseconds(-1000);
  const auto back = unit_from_json(unit_to_json(unit), "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_LT(back->stop_timeout, Milliseconds(0));
}

TEST(Unit, SaysWhichFieldIsBad) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "not an object"},
      {R"({"id":"../etc","bundle":"/b"})", "bad field id"},
      {R"({"id":"ab","bundle":"relative"})", "bad field bundle"},
      {R"({"id":"ab","bundle":"/b","tty":1})", "bad field tty"},
      {R"({"id":"ab","bundle":"/b","restart":{"policy":"sometimes"}})", "bad field restart.policy"},
      {R"({"id":"ab","bundle":"/b","stop_signal":65})", "bad field stop_signal"},
      {R"({"id":"ab","bundle":"/b","ports":[{"container_port":70000}]})", "bad field ports.container_port"},
      {R"({"id":"ab","bundle":"/b","ports":[7]})", "bad field ports"},
      {R"({"id":"ab","bundle":"/b","health":{"argv":[]}})", "bad field health.argv"},
      {R"({"id":"ab","bundle":"/b","health":{"argv":["a",1]}})", "bad field health.argv"},
      {R"({"id":"ab","bundle":"/b","log":{"max_size":18446744073709551615}})", "bad field log.max_size"},
      {R"({"id":"ab","bundle":"/b","sysctls":{"a":1}})", "bad field sysctls"},
      {R"({"id":"ab","bundle":"/b","overlay":7})", "bad field overlay"},
  };
  for (const auto& [text, expected] : cases) {
    const auto unit = unit_from_json(text, "test");
    ASSERT_FALSE(unit) << text;
    EXPECT_EQ(unit.error().code(), Code::invalid);
    EXPECT_THAT(unit.error().message(), testing::HasSubstr(expected)) << text;
  }
}

ObservedContainer full_state() {
  ObservedContainer state;
  state.id = "ab";
  state.name = "shop-web-1";
  state.project = "shop";
  state.service = "web";
  state.number = 2;
  state.status = Status::paused;
  state.pid = 4711;
  state.pid_started = 123456789;
  state.exit_code = 3;
  state.oom_killed = true;
  state.manually_stopped = true;
  state.error = "no \"such\" file";
  state.started_at = SystemTime(Nanoseconds(1'700'000'000'123'456'789));
  state.restart_count = 4;
  state.health.status = HealthStatus::unhealthy;
  state.health.failing_streak = 2;
  state.health.log = {HealthResult{SystemTime(Nanoseconds(1)), SystemTime(Nanoseconds(2)), -1, "out\xff\x01"}};
  state.ports = {BoundPort{"::", 8000, 80, "tcp"}};
  state.addresses = {EndpointAddress{"n", "shop_default", "172.18.0.2", "", "172.18.0.1", "", "02:00:00:00:00:01"}};
  state.cgroup = "/consort/ab";
  return state;
}

TEST(State, ComesBackAsItWent) {
  const std::string text = state_to_json(full_state());
  const auto back = state_from_json(text, "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(state_to_json(*back), text);
  EXPECT_EQ(back->started_at, full_state().started_at);
  EXPECT_FALSE(back->finished_at);
}

TEST(State, AnUnknownExitCodeStaysUnknown) {
  ObservedContainer state = full_state();
  state.exit_code.reset();
  EXPECT_FALSE(state_from_json(state_to_json(state), "test")->exit_code);
}

// Files in run and data roots, and messages, written by another version of this program.
TEST(State, IsReadAsItWasWrittenBefore) {
  const char* const before =
      R"({"id":"ab","name":"shop-web-1","project":"shop","service":"web","number":2,"oneoff":false,
    "status":"paused","pid":4711,"pid_started":123456789,"exit_code":3,"oom_killed":true,"manually_stopped":true,
    "stopping":false,"error":"no \"such\" file","started_at":"2023-11-14T22:13:20.123456789Z","finished_at":"",
    "restart_count":4,"health":{"status":"unhealthy","failing_streak":2,"log":[{"start":"1970-01-01T00:00:00.000000001Z",
    "end":"1970-01-01T00:00:00.000000002Z","exit_code":-1,"output":"out"}]},"cgroup":"/consort/ab","auto_remove":false,
    "ports":[{"host_ip":"::","host_port":8000,"container_port":80,"protocol":"tcp"}],
    "addresses":[{"network_id":"n","network_name":"shop_default","ipv4":"172.18.0.2","ipv6":"","gateway4":"172.18.0.1",
    "gateway6":"","mac":"02:00:00:00:00:01"}]})";
  const auto state = state_from_json(before, "test");
  ASSERT_TRUE(state) << state.error().message();
  ObservedContainer expected = full_state();
  expected.health.log.front().output = "out";
  EXPECT_EQ(state_to_json(*state), state_to_json(expected));
}

TEST(State, SaysDockersWords) {
  using enum Status;
  EXPECT_EQ(to_string(removing), "removing");
  EXPECT_EQ(to_string(dead), "dead");
  for (const Status status : {created, running, paused, restarting, removing, exited, dead}) {
    EXPECT_EQ(status_from(to_string(status)), status);
    ContainerState state;
    state.status = status;
    EXPECT_EQ(state.has_process(), status == running || status == paused);
    EXPECT_EQ(state.running(), status == running || status == paused || status == restarting);
    EXPECT_EQ(state.started(), status == running || status == restarting);
    EXPECT_EQ(state.ended(), status == exited || status == dead);
  }
}

TEST(Record, ComesBackAsItWent) {
  Record record;
  record.state = full_state();
  record.unit_path = "/data/containers/ab/unit.json";
  record.launching = true;
  record.stop = StopRecord{2, 987654};
  record.after_stop = AfterStop::restart;
  record.restart_at_ms = 55;
  record.restart_delay = Milliseconds(800);
  record.oom_kills = 2;
  record.host_links = {"veth1", "veth2"};
  record.execs = {ExecRecord{9, 10, 11}};
  const std::string text = record_to_json(record);
  const auto back = record_from_json(text, "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(record_to_json(*back), text);
  EXPECT_EQ(back->execs.size(), 1u);
  // Other programs read the same file as a state.
  EXPECT_EQ(state_from_json(text, "test")->pid, 4711);
}

TEST(Protocol, EveryRequestComesBack) {
  for (int i = 0; i <= static_cast<int>(Op::end); ++i) {
    Request request;
    request.op = static_cast<Op>(i);
    request.id = "ab12";
    request.unit = "/data/unit.json";
    request.made = {{"netns", "root"}, {"veth1234567"}};
    request.timeout = Milliseconds(-1000);  // forever, like any time below 0
    request.signal = 9;
    request.until = WaitUntil::next_exit;
    request.process = "{}";
    request.tty = request.detach = true;
    request.exec = 5;
    request.rows = 24;
    request.columns = 80;
    const std::string text = request_to_json(request);
    const auto back = request_from_json(text);
    ASSERT_TRUE(back) << text << ": " << back.error().message();
    EXPECT_EQ(request_to_json(*back), text);
  }
}

TEST(Protocol, WhatIsMadeAheadMustBeWhatItsNamesSay) {
  const auto descriptors = [](std::size_t count) {
    std::vector<Fd> made(count);
    for (Fd& fd : made) fd = open_file("/dev/null", O_RDONLY).value();
    return made;
  };
  EXPECT_TRUE(made_ahead_of({}, {}));
  EXPECT_TRUE(made_ahead_of({{"root"}, {}}, descriptors(1)));
  EXPECT_TRUE(made_ahead_of({{"netns"}, {}}, descriptors(1)));
  const MadeAheadNames all{{"netns", "dns_udp", "dns_tcp", "root"}, {"veth1234567"}};
  const auto made = made_ahead_of(all, descriptors(4));
  ASSERT_TRUE(made);
  EXPECT_EQ(names_of(*made).descriptors, all.descriptors);
  EXPECT_EQ(names_of(*made).host_links, all.host_links);
  EXPECT_EQ(descriptors_of(*made).size(), 4u);
  EXPECT_FALSE(made_ahead_of(all, descriptors(3)));
  EXPECT_FALSE(made_ahead_of(all, descriptors(5)));
  EXPECT_FALSE(made_ahead_of({}, descriptors(1)));
  EXPECT_FALSE(made_ahead_of({{"root", "netns"}, {}}, descriptors(2)));  // in another order
  EXPECT_FALSE(made_ahead_of({{"door"}, {}}, descriptors(1)));
  EXPECT_FALSE(made_ahead_of({{"dns_udp", "dns_tcp"}, {}}, descriptors(2)));  // for which namespace?
  EXPECT_FALSE(made_ahead_of({{"netns", "dns_udp"}, {}}, descriptors(2)));
}

TEST(Protocol, RefusesWhatIsNoRequest) {
  for (const char* text : {"", "[]", "{}", R"({"op":"fly"})", R"({"op":"stop"})", R"({"op":"stop","id":"../../etc"})",
                           R"({"op":"stop","id":"AB"})", R"({"op":"start","unit":"relative"})",
                           R"({"op":"kill","id":"ab"})", R"({"op":"kill","id":"ab","signal":99})",
                           R"({"op":"stop","id":"ab","timeout_ms":"soon"})", R"({"op":"exec","id":"ab"})"})
    EXPECT_FALSE(request_from_json(text)) << text;
}

TEST(Protocol, RepliesAndEventsComeBack) {
  Reply reply;
  reply.ok = true;
  reply.state = full_state();
  reply.states = {full_state(), full_state()};
  reply.more = true;
  reply.exec = 7;
  reply.pid = 8;
  reply.tty = true;
  reply.exit_code = 137;
  EXPECT_EQ(reply_to_json(*reply_from_json(reply_to_json(reply))), reply_to_json(reply));

  Reply failed;
  failed.failure = Failure{Code::not_found, "exec: \"x\": executable file not found in $PATH", "try another", 127};
  const auto back = reply_from_json(reply_to_json(failed));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->failure->code, Code::not_found);
  EXPECT_EQ(back->failure->exit_code, 127);
  EXPECT_EQ(error_of(*back->failure).hint_text(), "try another");
  EXPECT_EQ(error_of(*back->failure).subject(), Subject::none);

  for (int i = 0; i <= static_cast<int>(EventKind::forget); ++i) {
    Event event;
    event.kind = static_cast<EventKind>(i);
    event.time = SystemTime(Nanoseconds(77));
    event.signal = 15;
    event.exec_argv = "ls -l";
    event.state = full_state();
    EXPECT_EQ(event_to_json(*event_from_json(event_to_json(event))), event_to_json(event));
  }
}

TEST(Protocol, ErrorsKeepWhatTheyAreAbout) {
  for (int i = 0; i <= static_cast<int>(Subject::working_directory); ++i) {
    Reply failed;
    failed.failure = failure_of(Error(Code::conflict, "bind").about(static_cast<Subject>(i), "80/tcp").wrap("start"));
    const auto back = reply_from_json(reply_to_json(failed));
    ASSERT_TRUE(back);
    const Error error = error_of(*back->failure);
    EXPECT_EQ(error.subject(), static_cast<Subject>(i));
    EXPECT_EQ(error.subject_name(), i == 0 ? "" : "80/tcp");
    EXPECT_EQ(error.message(), "start: bind");
  }
  const auto newer = reply_from_json(R"({"ok":false,"error":{"code":"io","message":"x","subject":{"kind":"new"}}})");
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->failure->subject, Subject::none);
}

TEST(Protocol, ReadsWindowSizes) {
  const auto size = resize_from_json(resize_to_json({24, 80}));
  ASSERT_TRUE(size);
  EXPECT_EQ(size->rows, 24);
  EXPECT_EQ(size->columns, 80);
  for (const char* text : {"{}", R"({"resize":[1]})", R"({"resize":[1,65536]})", R"({"resize":["a",1]})"})
    EXPECT_FALSE(resize_from_json(text)) << text;
}

}  // namespace
}  // namespace consort::supervisor
