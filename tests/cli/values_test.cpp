#include <gtest/gtest.h>

#include <limits>

#include "base/time_range.hpp"
#include "cli/commands/machine/container_body.hpp"
#include "cli/commands/machine/moment.hpp"
#include "cli/commands/project/run_values.hpp"
#include "cli/commands/project/selection.hpp"
#include "engine/image_change.hpp"

namespace consort::cli {
namespace {

// They must not be truncated to their low bits.
TEST(Numbers, LargerThanAnyLimitAreTheLargest) {
  using enum FlagKind;
  static constexpr Flag flags[] = {{"timeout", 't', integer}, {"wait-timeout", 0, integer}, {"index", 0, integer}};
  const auto given = [&](const std::string& value) {
    const std::vector<std::string> words{"--timeout=" + value, "--wait-timeout=" + value, "--index=" + value};
    Invocation invocation;
    invocation.flags = parse_flags(flags, FlagPlace::anywhere, words)->flags;
    return invocation;
  };
  const Invocation large = given("4294967297"), negative = given("-4294967297"), small = given("7");
  EXPECT_EQ(timeout_of(large), std::numeric_limits<int>::max());
  EXPECT_EQ(timeout_of(negative), std::numeric_limits<int>::min());
  EXPECT_EQ(timeout_of(small), 7);
  EXPECT_EQ(*wait_limit(large.flags), std::numeric_limits<int>::max());
  EXPECT_FALSE(wait_limit(negative.flags));
  EXPECT_EQ(index_of(large), std::numeric_limits<unsigned>::max());
  EXPECT_EQ(index_of(negative), std::nullopt);
}

// --since and --until. A time in milliseconds, or the year 9999 for "no end", must not wrap to a time in the past.
TEST(Moments, BeyondAllTimesAreTheLast) {
  const SystemTime now = system_now();
  for (const char* late : {"1700000000000", "99999999999.5", "18446744073709551615", "9999-12-31",
                           "9999-12-31T23:59:59Z", "-9223372036s", "-2562047h"})
    EXPECT_EQ(*parse_moment(late, now), latest_time) << late;
  EXPECT_EQ(*parse_moment("0001-01-01T00:00:00Z", now), earliest_time);
  EXPECT_EQ(*parse_moment("2562047h", now), now - std::chrono::hours(2562047));
  EXPECT_EQ(*parse_moment("1700000000.5", now), SystemTime(std::chrono::milliseconds(1'700'000'000'500)));
}

TEST(Publish, ShortForms) {
  const auto one = parse_publish("127.0.0.1:8080:80/udp");
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)[0], (engine::PortBinding{"127.0.0.1", 8080, 0, 80, "udp"}));
  EXPECT_EQ((*parse_publish("80"))[0], (engine::PortBinding{"", 0, 0, 80, "tcp"}));
  EXPECT_EQ((*parse_publish("[::1]:6001:6001"))[0], (engine::PortBinding{"::1", 6001, 0, 6001, "tcp"}));
  EXPECT_EQ(parse_publish("9090-9091:8080-8081")->size(), 2U);
  EXPECT_EQ((*parse_publish("8000-9000:80"))[0], (engine::PortBinding{"", 8000, 9000, 80, "tcp"}));
  for (const char* bad : {"x", "80/foo", "70000", "1-2:1-3", "9-8:1", ""}) EXPECT_FALSE(parse_publish(bad)) << bad;
}

TEST(Mounts, ShortForms) {
  const compose::Project project{.volumes = {{"data", {.name = "app_data"}}}};
  const auto bind = parse_mount("./src:/app:ro", "/srv/app", project);
  ASSERT_TRUE(bind);
  EXPECT_EQ(bind->source, "/srv/app/src");
  EXPECT_TRUE(bind->read_only);
  EXPECT_EQ(bind->type, engine::MountType::bind);
  EXPECT_EQ(parse_mount("data:/d", "/", project)->source, "app_data");
  EXPECT_EQ(parse_mount("/anon", "/", project)->source, "");
  for (const char* bad : {"a:b:c:d", ":b", ""}) EXPECT_FALSE(parse_mount(bad, "/", project)) << bad;
}

TEST(Limits, CpusAndUlimits) {
  using enum FlagKind;
  static constexpr Flag flags[] = {{"cpus", 0, text}, {"ulimit", 0, list}};
  const auto body = [&](const std::vector<std::string>& words) {
    return update_body(parse_flags(flags, FlagPlace::anywhere, words)->flags);
  };
  const auto limits = body({"--cpus=1.5", "--ulimit=nofile=1024:2048", "--ulimit=core=-1"});
  ASSERT_TRUE(limits);
  EXPECT_EQ(*limits, Json::parse(R"({"NanoCpus": 1500000000, "Ulimits": [
    {"Name": "nofile", "Soft": 1024, "Hard": 2048}, {"Name": "core", "Soft": -1, "Hard": -1}]})"));
  for (const char* bad : {"--cpus=", "--cpus=x", "--cpus=1x", "--cpus=-1", "--cpus=nan", "--cpus=1e6",
                          "--ulimit=nofile", "--ulimit=nofile=", "--ulimit=nofile=1:", "--ulimit=nofile=1:x"})
    EXPECT_FALSE(body({bad})) << bad;
}

TEST(Changes, ConfigurationInstructions) {
  image::ImageConfig config;
  for (const char* line :
       {"CMD [\"postgres\"]", "ENTRYPOINT [\"/entry\"]", "ENV PGDATA=/data", "ENV PGDATA /other", "LABEL a.b=\"c d\"",
        "EXPOSE 5432 80-81/udp", "VOLUME /data", "STOPSIGNAL SIGINT", "USER app"})
    EXPECT_TRUE(engine::apply_change(line, config)) << line;
  EXPECT_EQ(config.cmd, (std::vector<std::string>{"postgres"}));
  EXPECT_EQ(config.env, (std::vector<std::string>{"PGDATA=/other"}));
  EXPECT_EQ(config.labels.at("a.b"), "c d");
  EXPECT_EQ(config.exposed_ports, (std::vector<std::string>{"5432/tcp", "80/udp", "81/udp"}));
  EXPECT_EQ(config.stop_signal, "SIGINT");
  EXPECT_FALSE(engine::apply_change("RUN make", config));
  EXPECT_FALSE(engine::apply_change("CMD", config));
  for (const char* line : {"EXPOSE x", "EXPOSE 80/x", "EXPOSE 65536", "EXPOSE 81-80"})
    EXPECT_FALSE(engine::apply_change(line, config)) << line;
  EXPECT_FALSE(engine::apply_change("CMD [1", config));
}

}  // namespace
}  // namespace consort::cli
