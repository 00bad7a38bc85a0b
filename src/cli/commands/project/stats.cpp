#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/table.hpp"
#include "cli/render/template.hpp"
#include "cli/render/terminal.hpp"
#include "cli/workspace.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

using Clock = std::chrono::steady_clock;

struct Sample {
  engine::ContainerStats stats;
  Clock::time_point at;
};

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", value);
  return text;
}

FormatRow row_of(const engine::Container& container, const Sample& now, const Sample* before, Shorten shorten) {
  const engine::ContainerStats& stats = now.stats;
  double cpu = 0;
  if (before && now.at > before->at && stats.cpu_nanoseconds >= before->stats.cpu_nanoseconds)
    cpu = 100.0 * static_cast<double>(stats.cpu_nanoseconds - before->stats.cpu_nanoseconds) /
          static_cast<double>(std::chrono::duration_cast<Nanoseconds>(now.at - before->at).count());
  const double memory = stats.memory_limit == 0
                            ? 0.0
                            : 100.0 * static_cast<double>(stats.memory_bytes) / static_cast<double>(stats.memory_limit);
  const std::string id = shorten == Shorten::yes ? container.id.substr(0, 12) : container.id;
  return {
      {"BlockIO", "BLOCK I/O", human_bytes_decimal(stats.block_read) + " / " + human_bytes_decimal(stats.block_written),
       ""},
      {"CPUPerc", "CPU %", percent(cpu), ""},
      {"Container", "CONTAINER", id, ""},
      {"ID", "CONTAINER ID", id, ""},
      {"MemPerc", "MEM %", percent(memory), ""},
      {"MemUsage", "MEM USAGE / LIMIT",
       human_bytes_binary(stats.memory_bytes) + " / " + human_bytes_binary(stats.memory_limit), ""},
      {"Name", "NAME", container.name, ""},
      {"NetIO", "NET I/O",
       human_bytes_decimal(stats.network_received) + " / " + human_bytes_decimal(stats.network_sent), ""},
      {"PIDs", "PIDS", std::to_string(stats.pids), ""},
  };
}

}  // namespace

Result<int> run_stats(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  project::Session& session = workspace->session();
  std::map<std::string, Sample> samples;
  const bool once = flags.on("no-stream");
  const Shorten shorten = flags.on("no-trunc") ? Shorten::no : Shorten::yes;
  for (int round = 0;; ++round) {
    std::vector<FormatRow> rows;
    for (const engine::Container& container :
         TRY(project::select_containers(session, invocation.arguments, project::Oneoffs::include))) {
      if (!container.state.running() && !flags.on("all")) continue;
      Sample sample{.at = Clock::now()};
      if (container.state.running())
        if (const auto stats = session.engine.stats(container.id)) sample.stats = *stats;
      const auto before = samples.find(container.id);
      rows.push_back(row_of(container, sample, before == samples.end() ? nullptr : &before->second, shorten));
      samples[container.id] = sample;
    }
    if (!once || round > 0) {  // with a single output, the first round only reads the initial CPU times
      const std::string text =
          TRY(format_rows(flags.text("format", "table"), rows,
                          {"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"},
                          row_of({}, {}, nullptr, shorten)));
      const bool live = !once && invocation.terminal.out_is_terminal;
      if (live) draw_out("\033[H\033[J");
      print_out(live ? fitted_to_screen(text, terminal_columns(STDOUT_FILENO), terminal_lines(STDOUT_FILENO)) : text);
      if (once) return 0;
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace consort::cli
