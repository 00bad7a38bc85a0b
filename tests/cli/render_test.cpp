#include <gmock/gmock.h>

#include "cli/commands/machine/moment.hpp"
#include "cli/commands/project/build_file.hpp"
#include "cli/relay/key_menu.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/log_printer.hpp"
#include "cli/render/progress.hpp"
#include "cli/render/table.hpp"
#include "cli/render/template.hpp"

namespace consort::cli {
namespace {

using namespace std::chrono_literals;
using project::Outlook;
using project::ProgressEvent;

TEST(Progress, PlainLines) {
  EXPECT_EQ(plain_line({.id = "Container spr1-web-1", .status = "Created"}, false), " Container spr1-web-1  Created");
  EXPECT_EQ(plain_line({.id = "svc", .text = "Pulling"}, false), " svc Pulling ");
  EXPECT_EQ(plain_line({.id = "Network n", .status = "Created"}, true), " DRY-RUN MODE -  Network n  Created");
}

TEST(Progress, JsonLinesLeaveOutWhatIsEmpty) {
  EXPECT_EQ(json_line({.id = "Container x", .status = "Started"}, false), R"({"id":"Container x","status":"Started"})");
  EXPECT_EQ(json_line({.id = "abc", .parent = "db", .text = "Downloading", .current = 5, .total = 10}, true),
            R"({"dry-run":true,"id":"abc","parent_id":"db","text":"Downloading","current":5,"total":10,"percent":50})");
}

class Caught {
 public:
  ProgressOptions options(ProgressMode mode) {
    return {.mode = mode,
            .err = [this](std::string_view part) { err += part; },
            .out = [this](std::string_view part) { out += part; }};
  }
  std::string err, out;
};

TEST(Progress, PlainTellsLayersOnlyWhenTheyChange) {
  Caught caught;
  const auto progress = make_progress({}, caught.options(ProgressMode::plain));
  ProgressEvent layer{.id = "abc", .parent = "db", .text = "Downloading", .current = 1, .total = 9};
  progress->event(layer);
  layer.current = 5;
  progress->event(layer);
  layer.text = "Pull complete";
  progress->event(layer);
  EXPECT_EQ(caught.err, " abc Downloading \n abc Pull complete \n");
}

TEST(Progress, QuietSaysNothingButPassesBuildOutput) {
  Caught caught;
  const auto progress = make_progress({}, caught.options(ProgressMode::quiet));
  progress->event({.id = "Container x", .status = "Started"});
  progress->output("#1 DONE\n");
  EXPECT_EQ(caught.err, "");
  EXPECT_EQ(caught.out, "#1 DONE\n");
}

TEST(Progress, TtyDrawsABlockAndGivesTheCursorBack) {
  Caught caught;
  const auto progress = make_progress({}, caught.options(ProgressMode::tty));
  progress->begin("Running");
  progress->event({.id = "Container x", .status = "Started", .outlook = Outlook::done});
  progress->finish();
  EXPECT_NE(caught.err.find("[+] Running 1/1"), std::string::npos) << caught.err;
  EXPECT_NE(caught.err.find("✔"), std::string::npos);
  EXPECT_TRUE(caught.err.ends_with("\033[?25h"));
}

TEST(Progress, DrawsOnATerminalUnlessThatCannotOrMustNot) {
  const auto draws = [](const Terminal& terminal) {
    Caught caught;
    const auto progress = make_progress(terminal, caught.options(ProgressMode::automatic));
    progress->begin("Running");
    progress->event({.id = "Container x", .status = "Started", .outlook = Outlook::done});
    progress->finish();
    return caught.err.find("[+] Running") != std::string::npos;
  };
  EXPECT_TRUE(draws({.err_is_terminal = true}));
  EXPECT_TRUE(draws({.err_is_terminal = true, .no_color = true}));
  EXPECT_TRUE(draws({.ansi = Ansi::always}));
  EXPECT_FALSE(draws({.err_is_terminal = true, .ansi = Ansi::never}));
  EXPECT_FALSE(draws({.err_is_terminal = true, .no_color = true, .dumb = true}));
  EXPECT_FALSE(draws({}));
}

TEST(Progress, BuildStepsArePlainTextOrJsonLinesOrNothing) {
  const auto shown = [](ProgressMode mode) {
    Caught caught;
    make_progress({}, caught.options(mode))->step({.id = 1, .title = "RUN \"x\"", .state = build::StepState::cached});
    return caught.out;
  };
  EXPECT_EQ(shown(ProgressMode::plain), "#1 RUN \"x\"\n#1 CACHED\n");
  EXPECT_EQ(shown(ProgressMode::json), "{\"stream\":\"#1 RUN \\\"x\\\"\\n\"}\n{\"stream\":\"#1 CACHED\\n\"}\n");
  EXPECT_EQ(shown(ProgressMode::quiet), "");
}

TEST(Table, Widths) {
  EXPECT_EQ(format_table({{"NAME", "STATUS"}, {"a", "x"}}, object_table), "NAME      STATUS\na         x\n");
  EXPECT_EQ(format_table({{"NAME", "B"}, {"a-name-of-12c", ""}}, object_table),
            "NAME            B\na-name-of-12c   \n");
  EXPECT_EQ(format_table({{"NAME", "STATUS"}}, wide_table), "NAME                STATUS\n");
  EXPECT_EQ(format_table({{"CMD"}, {"\x1b]0;title\a\x1b[31m\tx"}}, process_table),
            "CMD\n\\x1b]0;title\\x07\\x1b[31m x\n")
      << "a process names itself";
}

TEST(Table, IsCutToTheScreen) {
  EXPECT_EQ(fitted_to_screen("NAME  CPU\na     1%\n", 80, 24), "NAME  CPU\na     1%\n");
  EXPECT_EQ(fitted_to_screen("NAME  CPU\na     1%\n", 6, 24), "NAME …\na    …\n");
  EXPECT_EQ(fitted_to_screen("NAME\na\nb\nc\nd\n", 80, 4), "NAME\na\n+3 more\n");
}

TEST(Template, WholeRowsAreWrittenAsGoWritesThem) {
  const std::vector<FormatRow> rows{{{"Command", "COMMAND", "a <b >c && d", ""}}};
  EXPECT_EQ(format_rows("json", rows, {}, rows[0]).value_or(""),
            "{\"Command\":\"a \\u003cb \\u003ec \\u0026\\u0026 d\"}\n");
  EXPECT_EQ(format_rows("{{json .Command}}", rows, {}, rows[0]).value_or(""), "\"a <b >c && d\"\n");
}

TEST(BakeFile, IsWrittenAsGoWritesIt) {
  compose::Project project;
  project.name = "p";
  compose::Service& service = project.services["web"];
  service.name = "web";
  service.build.emplace();
  service.build->context = "/x";
  service.build->target = "a>b<c&d\xE2\x80\xA8";
  EXPECT_THAT(bake_file(project, PrintedGoal::image),
              testing::HasSubstr("\"target\": \"a\\u003eb\\u003cc\\u0026d\\u2028\""));
}

TEST(Template, FieldsAndTables) {
  const std::vector<FormatRow> rows{{{"ID", "CONTAINER ID", "abc", ""}, {"Code", "CODE", "1", "1"}}};
  const FormatRow& heads = rows[0];
  EXPECT_EQ(format_rows("{{.ID}}: {{json .ID}} {{json .Code}}", rows, {}, heads).value_or(""), "abc: \"abc\" 1\n");
  EXPECT_EQ(format_rows("json", rows, {}, heads).value_or(""), "{\"ID\":\"abc\",\"Code\":1}\n");
  EXPECT_EQ(format_rows("table {{.ID}}\\t{{.Code}}", rows, {}, heads).value_or(""),
            "CONTAINER ID   CODE\nabc            1\n");
  EXPECT_EQ(format_rows("table", rows, {"ID"}, heads).value_or(""), "CONTAINER ID\nabc\n");
  EXPECT_FALSE(format_rows("{{.Nope}}", rows, {}, heads));
  const std::vector<FormatRow> labelled{{{"Labels", "", "a=1,my.label=x=y", ""}}};
  EXPECT_EQ(format_rows("{{.Label \"my.label\"}}", labelled, {}, heads).value_or(""), "x=y\n");
  EXPECT_EQ(format_rows("{{.Label \"my\"}}", labelled, {}, heads).value_or("?"), "\n");
  EXPECT_FALSE(format_rows("{{.ID", rows, {}, heads));
}

engine::LogLine log_line(std::string_view text, engine::LogStream stream = engine::LogStream::out) {
  return {.time = SystemTime(0ns), .stream = stream, .text = text};
}

TEST(Logs, PrefixesLineUpAndAreColouredInOrder) {
  std::string out, err;
  LogPrinter printer({.colour = true,
                      .streams = Streams::separate,
                      .out = [&](std::string_view text) { out += text; },
                      .err = [&](std::string_view text) { err += text; }});
  printer.join("a-1");
  printer.join("bb-1");
  printer.line("a-1", log_line("one"));
  printer.line("bb-1", log_line("two", engine::LogStream::err));
  printer.status("a-1 exited with code 0");
  EXPECT_EQ(out, "\033[36ma-1   | \033[0mone\n\r\033[Ka-1 exited with code 0\n");
  EXPECT_EQ(err, "\033[33mbb-1  | \033[0mtwo\n");
}

TEST(Logs, WhatTheWatchSaysStandsBetweenTheLines) {
  std::string plain, coloured;
  LogPrinter printer({.out = [&](std::string_view text) { plain += text; }});
  printer.join("web-1");
  printer.watch_line("Watch enabled");
  printer.line("web-1", log_line("one"));
  EXPECT_EQ(plain, "       ⦿ Watch enabled\nweb-1  | one\n");
  LogPrinter painter({.colour = true, .out = [&](std::string_view text) { coloured += text; }});
  painter.join("web-1");
  painter.watch_line("Watch enabled");
  EXPECT_EQ(coloured, "\033[92m       ⦿ \033[0mWatch enabled\n");
}

TEST(Logs, TheKeysOfUp) {
  const Terminal plain{.no_color = true};
  EXPECT_EQ(key_menu_text(project::WatchState::off, plain), "w Enable Watch   d Detach");
  EXPECT_EQ(key_menu_text(project::WatchState::on, plain), "w Disable Watch   d Detach");
}

TEST(Logs, WithoutPrefixAndWithTimes) {
  std::string out;
  LogPrinter printer({.prefix = false, .timestamps = true, .out = [&](std::string_view text) { out += text; }});
  printer.line("a-1", log_line("one", engine::LogStream::err));
  EXPECT_EQ(out, "1970-01-01T00:00:00.000000000Z one\n");
}

TEST(Logs, LinesOfABatchAreShownTogetherInTheirOrder) {
  std::vector<std::string> shown;
  LogPrinter printer({.prefix = false,
                      .streams = Streams::separate,
                      .out = [&](std::string_view text) { shown.emplace_back(text); },
                      .err = [&](std::string_view text) { shown.push_back("err: " + std::string(text)); }});
  {
    const project::LogBatch batch(printer);
    printer.line("a-1", log_line("one"));
    printer.line("a-1", log_line("two"));
    {
      const project::LogBatch inner(printer);
      printer.line("a-1", log_line("three", engine::LogStream::err));
    }
    printer.line("a-1", log_line("four", engine::LogStream::err));
    EXPECT_EQ(shown, (std::vector<std::string>{"one\ntwo\n"}));
  }
  printer.line("a-1", log_line("five"));
  EXPECT_EQ(shown, (std::vector<std::string>{"one\ntwo\n", "err: three\nfour\n", "five\n"}));
}

TEST(Logs, ABatchWithoutAnEndIsShownInParts) {
  std::size_t shown = 0, times = 0;
  LogPrinter printer({.prefix = false, .out = [&](std::string_view text) {
                        shown += text.size();
                        ++times;
                      }});
  const project::LogBatch batch(printer);
  const std::string text(999, 'x');
  for (int i = 0; i < 1000; ++i) printer.line("a-1", log_line(text));
  EXPECT_GT(shown, 900'000U);
  EXPECT_LT(times, 20U);
}

engine::Container container_with_ports() {
  engine::Container container;
  container.state.status = engine::Status::running;
  container.state.ports = {{"::", 18080, 80, "tcp"}, {"0.0.0.0", 18080, 80, "tcp"}};
  container.exposed = {"80/tcp", "8000/tcp"};
  container.networks.resize(1);
  return container;
}

TEST(ContainerText, Ports) {
  EXPECT_EQ(port_text(publishers(container_with_ports())), "8000/tcp, 0.0.0.0:18080->80/tcp, [::]:18080->80/tcp");
  engine::Container alone = container_with_ports();
  alone.networks.clear();
  alone.state.ports.clear();
  EXPECT_EQ(port_text(publishers(alone)), "") << "nobody can reach what it exposes";
  alone.networks.resize(2);
  alone.networks[0].bridged = false;
  EXPECT_EQ(port_text(publishers(alone)), "80/tcp, 8000/tcp");
  alone.networks[1].bridged = false;
  EXPECT_EQ(port_text(publishers(alone)), "") << "a macvlan tells of no port";
  EXPECT_EQ(port_text({{"0.0.0.0", 1, 11, "tcp"}, {"0.0.0.0", 2, 12, "tcp"}, {"", 5, 0, "udp"}, {"", 6, 0, "udp"}}),
            "5-6/udp, 0.0.0.0:11->1/tcp, 0.0.0.0:12->2/tcp");
  EXPECT_EQ(port_text({{"0.0.0.0", 1, 1, "tcp"},
                       {"::", 1, 1, "tcp"},
                       {"0.0.0.0", 2, 2, "tcp"},
                       {"", 4, 0, "tcp"},
                       {"", 6, 0, "tcp"}}),
            "4/tcp, 0.0.0.0:1-2->1-2/tcp, [::]:1->1/tcp, 6/tcp");
}

TEST(ContainerText, Status) {
  const SystemTime now(100s);
  engine::ContainerState state;
  EXPECT_EQ(status_text(state, now), "Created");
  state.status = engine::Status::running;
  state.started_at = SystemTime(97s);
  EXPECT_EQ(status_text(state, now), "Up 3 seconds");
  state.health.status = engine::HealthStatus::healthy;
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (healthy)");
  state.log = {"no space left on device", 12'300'000};
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (healthy) (log: 12.3MB lost)");
  state.log = {"rotate", 0};
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (healthy) (log: not rotated)");
  state.log = {};
  const auto lose = [&](const char* ip, std::uint16_t port) {
    state.lost_ports.push_back({{ip, port, 80, "tcp"}, "address already in use"});
  };
  lose("0.0.0.0", 8080), lose("::", 8080);
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (healthy) (port not served: 8080/tcp)");
  lose("0.0.0.0", 8081);
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (healthy) (ports not served: 8080/tcp, 8081/tcp)");
  state.lost_ports.clear();
  state.health.status = engine::HealthStatus::starting;
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (health: starting)");
  state.status = engine::Status::paused;
  EXPECT_EQ(status_text(state, now), "Up 3 seconds (Paused)");
  state.status = engine::Status::exited;
  state.finished_at = SystemTime(96s);
  state.exit_code = 143;
  EXPECT_EQ(status_text(state, now), "Exited (143) 4 seconds ago");
  state.exit_code.reset();
  EXPECT_EQ(status_text(state, now), "Exited (unknown) 4 seconds ago");
  state.status = engine::Status::removing;
  EXPECT_EQ(status_text(state, now), "Removal In Progress");
  state.status = engine::Status::dead;
  EXPECT_EQ(status_text(state, now), "Dead");
}

TEST(ContainerText, CommandsAreQuotedAndCut) {
  EXPECT_EQ(command_text({"docker-entrypoint.sh", "postgres"}, Shorten::yes), "\"docker-entrypoint.s…\"");
  EXPECT_EQ(command_text({"sh", "-c", "echo \"hi\""}, Shorten::no), "\"sh -c 'echo \\\"hi\\\"'\"");
  EXPECT_EQ(command_text({"top"}, Shorten::yes), "\"top\"");
  EXPECT_EQ(command_text({"sh", "\x1b[31m\a"}, Shorten::no), "\"sh \\x1b[31m\\a\"");
}

TEST(ContainerText, CutGoesByCellsAndBetweenLetters) {
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdefg", 6), "abcde…");
  EXPECT_EQ(cut("ééééééé", 6), "ééééé…");
  EXPECT_EQ(cut("漢漢漢", 6), "漢漢漢");
  EXPECT_EQ(cut("漢漢漢漢", 6), "漢漢…");
}

TEST(Moment, TimesAndDurations) {
  const SystemTime now(1000s);
  EXPECT_EQ(parse_moment("10s", now).value_or(SystemTime{}), SystemTime(990s));
  EXPECT_EQ(parse_moment("500", now).value_or(SystemTime{}), SystemTime(500s));
  EXPECT_EQ(parse_moment("500.25", now).value_or(SystemTime{}), SystemTime(500s + 250ms));
  EXPECT_EQ(parse_moment("1970-01-01T00:00:07Z", now).value_or(SystemTime{}), SystemTime(7s));
  EXPECT_EQ(parse_moment("1970-01-02T03Z", now).value_or(SystemTime{}), SystemTime(27h));
  EXPECT_EQ(parse_moment("1970-01-02T03:04Z", now).value_or(SystemTime{}), SystemTime(27h + 4min));
  EXPECT_EQ(parse_moment("1970-01-02+01:00", now).value_or(SystemTime{}), SystemTime(23h));
  // Without a zone: local time.
  std::tm noon{};
  noon.tm_year = 120;
  noon.tm_mday = 2;
  noon.tm_hour = 12;
  noon.tm_isdst = -1;
  const SystemTime local{std::chrono::seconds(std::mktime(&noon))};
  for (const char* text : {"2020-01-02T12", "2020-01-02T12:00", "2020-01-02T12:00:00", "2020-01-02T12:00:00.0"})
    EXPECT_EQ(parse_moment(text, now).value_or(SystemTime{}), local) << text;
  EXPECT_EQ(parse_moment("2020-01-02", now).value_or(SystemTime{}), local - 12h);
  for (const char* bad : {"yesterday", "2020-13-02", "2020-01-02T", "2020-01-02Z01", ""})
    EXPECT_FALSE(parse_moment(bad, now)) << bad;
}

}  // namespace
}  // namespace consort::cli
