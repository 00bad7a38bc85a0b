// Resource usage of running containers: stats.
#include <unistd.h>

#include <thread>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

#include <poll.h>

namespace consort::serve {

namespace {

using engine::ContainerDetails;

struct Sample {
  SystemTime time{};
  std::optional<engine::ContainerStats> stats;  // none: it does not run
  std::uint64_t system_ns = 0;
};

// The total time of the machine's processors, including idle time, in nanoseconds: the first line of /proc/stat, as
// Docker counts it (without columns that are included in others: guest).
std::uint64_t system_nanoseconds() {
  const std::string text = read_file("/proc/stat").value_or("");
  std::uint64_t ticks = 0;
  std::size_t column = 0;
  for (const std::string& word : split(std::string_view(text).substr(0, text.find('\n')), ' ')) {
    constexpr std::size_t columns = 8;
    if (word.empty() || word == "cpu") continue;
    if (column++ < columns) ticks += parse_unsigned(word).value_or(0);
  }
  const auto hertz = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return ticks * (1'000'000'000 / hertz);
}

Sample take_sample(engine::Engine& engine, const std::string& id) {
  Sample sample{.time = system_now()};
  if (auto stats = engine.stats(id)) sample.stats = *stats;
  if (sample.stats) sample.system_ns = system_nanoseconds();
  return sample;
}

Json cpu_shape(const Sample& sample) {
  const std::uint64_t used = sample.stats ? sample.stats->cpu_nanoseconds : 0;
  Json shape{{"cpu_usage", {{"total_usage", used}, {"usage_in_kernelmode", 0}, {"usage_in_usermode", used}}}};
  if (sample.stats) {
    shape["system_cpu_usage"] = sample.system_ns;
    shape["online_cpus"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  }
  shape["throttling_data"] = {{"periods", 0}, {"throttled_periods", 0}, {"throttled_time", 0}};
  return shape;
}

Json block_shape(const Sample& sample) {
  Json rows = Json::array();
  if (sample.stats && (sample.stats->block_read > 0 || sample.stats->block_written > 0))
    for (const auto& [op, bytes] :
         {std::pair("read", sample.stats->block_read), std::pair("write", sample.stats->block_written)})
      rows.push_back({{"major", 0}, {"minor", 0}, {"op", op}, {"value", bytes}});
  return {{"io_service_bytes_recursive", std::move(rows)},
          {"io_serviced_recursive", nullptr},
          {"io_queue_recursive", nullptr},
          {"io_service_time_recursive", nullptr},
          {"io_wait_time_recursive", nullptr},
          {"io_merged_recursive", nullptr},
          {"io_time_recursive", nullptr},
          {"sectors_recursive", nullptr}};
}

Json stats_shape(const ContainerDetails& container, const Sample& now, const Sample& before) {
  Json shape{{"name", "/" + container.name},
             {"id", container.id},
             {"read", now.stats ? go_time(now.time) : go_time(std::nullopt)},
             {"preread", before.stats ? go_time(before.time) : go_time(std::nullopt)},
             {"pids_stats", Json::object()},
             {"blkio_stats", block_shape(now)},
             {"num_procs", 0},
             {"storage_stats", Json::object()},
             {"cpu_stats", cpu_shape(now)},
             {"precpu_stats", cpu_shape(before)},
             {"memory_stats", Json::object()}};
  if (!now.stats) return shape;
  shape["pids_stats"] = {{"current", now.stats->pids}};
  // Without what the kernel could reclaim at any time.
  shape["memory_stats"] = {{"usage", now.stats->memory_bytes},
                           {"stats", {{"inactive_file", 0}, {"total_inactive_file", 0}}},
                           {"limit", now.stats->memory_limit}};
  if (!container.networks.empty())
    shape["networks"] = {{"eth0",
                          {{"rx_bytes", now.stats->network_received},
                           {"rx_packets", 0},
                           {"rx_errors", 0},
                           {"rx_dropped", 0},
                           {"tx_bytes", now.stats->network_sent},
                           {"tx_packets", 0},
                           {"tx_errors", 0},
                           {"tx_dropped", 0}}}};
  return shape;
}

// False: the client has gone.
bool pause_for_a_second(int client) {
  pollfd state{client, 0, 0};
  return ::poll(&state, 1, 1000) == 0 || (state.revents & (POLLHUP | POLLERR)) == 0;
}

Result<> container_stats(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  engine::Engine& engine = *TRY(call.engine());
  Sample before;
  if (!call.flag("stream", true)) {
    Sample now = take_sample(engine, container.id);
    if (!call.flag("one-shot") && now.stats) {
      before = now;
      if (!pause_for_a_second(call.client_fd())) return fail(Code::io, "measure container: the client has gone");
      now = take_sample(engine, container.id);
    }
    return call.json(200, stats_shape(container, now, before));
  }
  BodyStream body = TRY(call.stream(content::json));
  while (true) {
    const Sample now = take_sample(engine, container.id);
    TRY(body.write(dump_json(stats_shape(container, now, before)) + "\n"));
    before = now;
    if (!pause_for_a_second(call.client_fd())) return fail(Code::io, "measure container: the client has gone");
    if (const auto still = engine.inspect(container.id); !still) return body.finish();
  }
}

constexpr Route table[] = {
    {"GET", "/containers/{id}/stats", container_stats, Access::look, Reach::project},
};

}  // namespace

std::span<const Route> container_figure_routes() {
  return table;
}

}  // namespace consort::serve
