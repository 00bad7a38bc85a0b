// The commands that inspect and change bundles' containers.
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/runtime/runtime.hpp"
#include "cli/render/table.hpp"
#include "runtime/defaults.hpp"

namespace consort::cli {

Result<int> run_runtime_start(Invocation& invocation) {
  TRY(TRY(bundle_runtime(invocation)).start(invocation.arguments[0]));
  return 0;
}

Result<int> run_runtime_state(Invocation& invocation) {
  print_out(runtime::state_json(TRY(TRY(bundle_runtime(invocation)).state(invocation.arguments[0]))) + "\n");
  return 0;
}

Result<int> run_runtime_kill(Invocation& invocation) {
  const std::string word = invocation.arguments.size() > 1 ? invocation.arguments[1] : "SIGTERM";
  const auto signal = runtime::signal_number(word);
  if (!signal) return fail(Code::invalid, "unknown signal \"" + word + "\"");
  TRY(TRY(bundle_runtime(invocation)).kill(invocation.arguments[0], *signal, invocation.flags.on("all")));
  return 0;
}

Result<int> run_runtime_delete(Invocation& invocation) {
  const auto removal = invocation.flags.on("force") ? runtime::Removal::forced : runtime::Removal::stopped_only;
  TRY(TRY(bundle_runtime(invocation)).remove(invocation.arguments[0], removal));
  return 0;
}

Result<int> run_runtime_pause(Invocation& invocation) {
  TRY(TRY(bundle_runtime(invocation)).pause(invocation.arguments[0]));
  return 0;
}

Result<int> run_runtime_resume(Invocation& invocation) {
  TRY(TRY(bundle_runtime(invocation)).resume(invocation.arguments[0]));
  return 0;
}

namespace {

// Makes each column as wide as its widest cell.
std::string plain_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string cell = row[i];
      if (i + 1 < row.size()) cell.resize(widths[i] + 3, ' ');
      line += cell;
    }
    text += line + "\n";
  }
  return text;
}

Result<> check_format(const std::string& format) {
  if (format == "table" || format == "json") return {};
  return fail(Code::invalid, "invalid format option \"" + format + "\"");
}

}  // namespace

Result<int> run_runtime_list(Invocation& invocation) {
  const std::string format = invocation.flags.text("format", "table");
  TRY(check_format(format));
  const std::vector<runtime::BundleState> states = TRY(TRY(bundle_runtime(invocation)).list());
  if (invocation.flags.on("quiet")) {
    for (const auto& state : states) print_out(state.id + "\n");
    return 0;
  }
  if (format == "json") {
    Json all = Json::array();
    for (const auto& state : states) all.push_back(TRY(parse_json(runtime::state_json(state), "state")));
    print_out(dump_json(all) + "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const auto& state : states)
    rows.push_back({state.id, std::to_string(state.pid), std::string(runtime::to_string(state.status)), state.bundle,
                    state.created, state.owner});
  print_out(plain_table(rows));
  return 0;
}

Result<int> run_runtime_ps(Invocation& invocation) {
  const std::string format = invocation.flags.text("format", "table");
  TRY(check_format(format));
  const std::vector<pid_t> pids = TRY(TRY(bundle_runtime(invocation)).pids(invocation.arguments[0]));
  if (format == "json") {
    print_out(dump_json(Json(pids)) + "\n");
    return 0;
  }
  std::vector<std::string> options(invocation.arguments.begin() + 1, invocation.arguments.end());
  if (options.empty()) options = {"-ef"};
  options.insert(options.begin(), "ps");
  const Captured listing = TRY(run_and_capture({.argv = options, .environment = {}, .directory = {}}));
  if (!listing.status.success()) return fail(Error(Code::io, "ps").why(std::string(trim(listing.err))));
  const std::vector<std::string> lines = split(listing.out, '\n');
  const std::vector<std::string> heading = split(lines[0], ' ');
  // Finds the column of the process id by counting words: headings, and all values before it, are single words.
  std::size_t column = 0;
  bool found = false;
  for (const std::string& word : heading) {
    if (word.empty()) continue;
    if (word == "PID") {
      found = true;
      break;
    }
    ++column;
  }
  if (!found) return fail(Code::invalid, "the output of ps has no column PID");
  print_out(lines[0] + "\n");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> words;
    for (std::string& word : split(lines[i], ' '))
      if (!word.empty()) words.push_back(std::move(word));
    if (words.size() <= column) continue;
    const auto pid = parse_signed(words[column]);
    if (pid && std::ranges::find(pids, static_cast<pid_t>(*pid)) != pids.end()) print_out(lines[i] + "\n");
  }
  return 0;
}

Result<int> run_runtime_features(Invocation&) {
  print_out(runtime::features_json() + "\n");
  return 0;
}

Result<int> run_runtime_spec(Invocation& invocation) {
  const std::string path = absolute_path(invocation.flags.text("bundle", ".")) + "/config.json";
  if (path_exists(path)) return fail(Error(Code::conflict, "file " + path + " exists").hint("remove it first"));
  TRY(write_file_atomic(path, runtime::example_config(invocation.flags.on("rootless")) + "\n", 0666));
  return 0;
}

namespace {

Result<std::optional<std::int64_t>> bytes_flag(const ParsedFlags& flags, std::string_view name) {
  if (!flags.has(name)) return std::optional<std::int64_t>();
  const std::string text = flags.text(name);
  const std::size_t unit = text.find_first_not_of("-0123456789");
  const auto number = parse_signed(text.substr(0, unit));
  std::int64_t factor = 1;
  if (unit != std::string::npos) {
    const std::size_t power = std::string("bkmgt").find(to_lower(text.substr(unit, 1)));
    if (power == std::string::npos || text.size() > unit + 2)
      return fail(Code::invalid, "invalid value for --" + std::string(name), text);
    factor = std::int64_t{1} << (10 * power);
  }
  std::int64_t bytes;
  if (!number || __builtin_mul_overflow(*number, factor, &bytes))
    return fail(Code::invalid, "invalid value for --" + std::string(name), text);
  return std::optional(bytes);
}

Result<> take_flags(const ParsedFlags& flags, runtime::Resources& into) {
  if (const auto weight = flags.integer("blkio-weight"))
    into.blkio_weight = static_cast<std::uint16_t>(std::clamp<std::int64_t>(*weight, 0, 1000));
  if (const auto burst = flags.integer("cpu-burst"))
    into.cpu_burst = static_cast<std::uint64_t>(std::max<std::int64_t>(*burst, 0));
  if (const auto idle = flags.integer("cpu-idle")) into.cpu_idle = *idle;
  if (const auto period = flags.integer("cpu-period"))
    into.cpu_period = static_cast<std::uint64_t>(std::max<std::int64_t>(*period, 0));
  if (const auto quota = flags.integer("cpu-quota")) into.cpu_quota = *quota;
  if (const auto period = flags.integer("cpu-rt-period"))
    into.cpu_realtime_period = static_cast<std::uint64_t>(std::max<std::int64_t>(*period, 0));
  if (const auto time = flags.integer("cpu-rt-runtime")) into.cpu_realtime_runtime = *time;
  if (const auto share = flags.integer("cpu-share"))
    into.cpu_shares = static_cast<std::uint64_t>(std::max<std::int64_t>(*share, 0));
  if (flags.has("cpuset-cpus")) into.cpuset_cpus = flags.text("cpuset-cpus");
  if (flags.has("cpuset-mems")) into.cpuset_mems = flags.text("cpuset-mems");
  if (const auto limit = TRY(bytes_flag(flags, "memory"))) into.memory_limit = limit;
  if (const auto kept = TRY(bytes_flag(flags, "memory-reservation"))) into.memory_reservation = kept;
  if (const auto swap = TRY(bytes_flag(flags, "memory-swap"))) into.memory_swap = swap;
  if (const auto pids = flags.integer("pids-limit")) into.pids_limit = *pids;
  return {};
}

}  // namespace

Result<int> run_runtime_update(Invocation& invocation) {
  runtime::Resources resources;
  if (const std::string file = invocation.flags.text("resources"); !file.empty()) {
    constexpr std::size_t most = 4 << 20;
    const std::string text = TRY(file == "-" ? read_all(0, most) : read_file(file, most));
    resources = TRY(runtime::parse_resources_text(text, file));
  }
  TRY(take_flags(invocation.flags, resources));
  TRY(TRY(bundle_runtime(invocation)).update(invocation.arguments[0], resources));
  return 0;
}

namespace {

// The part of runc's statistics that other programs read.
Result<std::string> stats_line(const runtime::BundleRuntime& runtime, const std::string& id) {
  const runtime::CgroupStats stats = TRY(TRY(runtime.cgroup(id)).stats());
  const Json data = {
      {"cpu",
       {{"usage", {{"total", stats.cpu_usage_ns}, {"kernel", stats.cpu_system_ns}, {"user", stats.cpu_user_ns}}},
        {"throttling", {{"throttledPeriods", stats.throttled_periods}}}}},
      {"memory",
       {{"cache", stats.memory_inactive_file},
        {"usage", {{"limit", stats.memory_limit}, {"usage", stats.memory_bytes}, {"max", stats.memory_peak}}}}},
      {"pids", {{"current", stats.pids}, {"limit", stats.pids_limit}}},
      {"blkio",
       {{"ioServiceBytesRecursive", Json::array({{{"op", "read"}, {"value", stats.io_read_bytes}},
                                                 {{"op", "write"}, {"value", stats.io_write_bytes}}})}}}};
  return dump_json(Json{{"type", "stats"}, {"id", id}, {"data", data}}) + "\n";
}

}  // namespace

Result<int> run_runtime_events(Invocation& invocation) {
  const runtime::BundleRuntime runtime = TRY(bundle_runtime(invocation));
  const std::string& id = invocation.arguments[0];
  const auto interval = parse_duration(invocation.flags.text("interval", "5s"));
  if (!interval || *interval <= Nanoseconds(0)) return fail(Code::invalid, "invalid value for --interval");
  while (true) {
    const runtime::BundleState state = TRY(runtime.state(id));
    if (state.status == runtime::BundleStatus::stopped)
      return fail(Error(Code::conflict, "container with id " + id + " is not running"));
    print_out(TRY(stats_line(runtime, id)));
    if (invocation.flags.on("stats")) return 0;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*interval).count();
    (void)::poll(nullptr, 0, static_cast<int>(std::clamp<std::int64_t>(ms, 1, 1 << 30)));
  }
}

}  // namespace consort::cli
