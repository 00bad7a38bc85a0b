#include "supervisor/jobs.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort::supervisor {

namespace {

constexpr std::size_t largest_file = 64 << 20;  // a job includes its whole project
constexpr std::string_view directory_ending = ".d";

std::string clock_file(const Roots& roots, const std::string& project) {
  return jobs_directory(roots, project) + "/clock.json";
}

}  // namespace

std::string jobs_directory(const Roots& roots, const std::string& project) {
  return roots.data + "/jobs/" + project;
}

std::string job_directory(const Roots& roots, const std::string& project, const std::string& job) {
  return jobs_directory(roots, project) + "/" + job + std::string(directory_ending);
}

Result<JobTiming> timing_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "job"));
  JobTiming timing;
  timing.name = get_string(json, "name");
  if (timing.name.empty()) return fail(Error(Code::invalid, "read job").why("it has no name"));
  timing.cron = get_string(json, "cron");
  timing.timezone = get_string(json, "timezone");
  if (get_string(json, "missed_fires") == "skip") timing.missed = MissedFires::skip;
  timing.paused = get_bool(json, "paused");
  timing.program = get_string(json, "program");
  timing.environment = get_strings(json, "program_environment");
  return timing;
}

std::vector<JobTiming> read_timings(const Roots& roots, const std::string& project) {
  std::vector<JobTiming> all;
  const std::string directory = jobs_directory(roots, project);
  for (const std::string& name : list_directory(directory).value_or(std::vector<std::string>())) {
    if (!name.ends_with(directory_ending)) continue;
    const auto text = read_file(directory + "/" + name + "/job.json", largest_file);
    auto timing = text ? timing_from_json(*text) : Result<JobTiming>(fail(Code::not_found, "read job"));
    if (timing && timing->name + std::string(directory_ending) == name) all.push_back(std::move(*timing));
  }
  return all;
}

bool has_clock(const Roots& roots, const std::string& project) {
  return std::ranges::any_of(read_timings(roots, project),
                             [](const JobTiming& job) { return !job.cron.empty() && !job.paused; });
}

DueTimes read_due_times(const Roots& roots, const std::string& project) {
  DueTimes times;
  const auto text = read_file(clock_file(roots, project), largest_file);
  const auto json = text ? parse_json(*text, "clock") : Result<Json>(fail(Code::not_found, "read clock"));
  if (!json || !json->is_object()) return times;
  for (const auto& [name, value] : json->items())
    times[name] = {get_int(value, "next"), get_string(value, "cron"), get_string(value, "timezone")};
  return times;
}

Result<> write_due_times(const Roots& roots, const std::string& project, const DueTimes& times) {
  Json json = Json::object();
  for (const auto& [name, due] : times) json[name] = {{"next", due.at}, {"cron", due.cron}, {"timezone", due.timezone}};
  return write_file_atomic(clock_file(roots, project), dump_json(json), 0600, Durability::durable);
}

}  // namespace consort::supervisor
