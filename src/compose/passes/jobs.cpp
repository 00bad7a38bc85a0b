// The differences between jobs and services.
#include <algorithm>

#include "base/clock/cron.hpp"
#include "base/os/files/file.hpp"
#include "compose/jobs.hpp"
#include "compose/passes/finish.hpp"

namespace consort::compose {

namespace {

constexpr const char* origin_key = "x-consort-origin";
constexpr const char* model_file = "registered-job.yaml";

Place place_of(const Project& project, const std::string& job, const Strings& below) {
  Strings path{"jobs", job};
  path.insert(path.end(), below.begin(), below.end());
  return place_in(*project.tree, path);
}

void check_triggers(const Project& project, const Service& job, Reporter& reporter) {
  const JobTriggers& triggers = *job.triggers;
  const std::string path = "jobs." + job.name;
  if (triggers.manual == true && !triggers.schedule.empty()) {
    Diagnostic& made = reporter.error(
        "conflict", path + ": triggers.manual and triggers.schedule are both declared, and exactly one is supported",
        place_of(project, job.name, {"triggers", "manual"}));
    made.help = "remove `manual: true`: a job with a schedule can also be run by hand";
  }
  if (!triggers.manual && triggers.schedule.empty()) {
    Diagnostic& made = reporter.error("missing-key", path + ": triggers must set `manual` or `schedule`",
                                      place_of(project, job.name, {"triggers"}));
    made.help = "write `manual: true`, or a time: `schedule: [\"30 2 * * *\"]`";
  }
}

template <class Map>
void move_jobs(Map& from, Map& to) {
  for (auto it = from.begin(); it != from.end();) {
    const auto next = std::next(it);
    if (it->second.triggers) to.insert(from.extract(it));
    it = next;
  }
}

}  // namespace

void join_jobs(Project& project, Reporter& reporter) {
  for (auto& [name, job] : project.jobs) {
    if (!job.triggers) continue;  // already reported
    const auto [at, joined] = project.services.emplace(name, std::move(job));
    if (joined) continue;
    Diagnostic& made =
        reporter.error("conflict", "jobs." + name + ": a service has the same name, and `run` accepts both",
                       place_of(project, name, {}));
    made.related.push_back(reporter.related(place_in(*project.tree, {"services", name}), "the service"));
    made.help = "rename one of the two";
  }
  project.jobs.clear();
}

void part_jobs(Project& project) {
  move_jobs(project.services, project.jobs);
  move_jobs(project.disabled_services, project.disabled_jobs);
}

void check_jobs(const Project& project, Reporter& reporter) {
  for (const auto& [name, service] : project.services) {
    if (service.triggers) {
      check_triggers(project, service, reporter);
      continue;
    }
    for (const auto& [on, dependency] : service.depends_on) {
      const auto job = project.services.find(on);
      if (job == project.services.end() || !job->second.triggers) continue;
      Diagnostic& made = reporter.error("bad-dependency",
                                        "service \"" + name + "\" depends on job \"" + on +
                                            "\": a service cannot wait "
                                            "for a job",
                                        place_in(*project.tree, {"services", name, "depends_on", on}));
      made.help = "make it a service, or a `pre_start` hook of \"" + name + "\"";
    }
  }
}

Result<> check_schedule(const Project& project, const Service& job) {
  const JobTriggers& triggers = *job.triggers;
  const auto at = [&](Strings below) {
    below.insert(below.begin(), {"jobs", job.name, "triggers"});
    return project.locate(below);
  };
  if (triggers.schedule.empty()) return {};
  if (triggers.schedule.size() > 1)
    return fail(Error(Code::invalid, "job \"" + job.name + "\" declares " + std::to_string(triggers.schedule.size()) +
                                         " schedules, and exactly one is supported")
                    .hint("add another job for it; `x-` anchors avoid repetition")
                    .at(at({"schedule", "1"})));
  const JobSchedule& schedule = triggers.schedule[0];
  if (auto cron = Cron::parse(schedule.cron); !cron)
    return fail(std::move(cron.error()).wrap("job \"" + job.name + "\"").at(at({"schedule", "0", "cron"})));
  if (auto zone = TimeZone::load(schedule.timezone); !zone)
    return fail(std::move(zone.error()).wrap("job \"" + job.name + "\"").at(at({"schedule", "0", "timezone"})));
  return {};
}

std::string first_error(const LoadOutcome& outcome) {
  for (const Diagnostic& each : outcome.diagnostics)
    if (each.severity == Severity::error) return each.message;
  return "";
}

// The project's own text, and everything around it that its reader would have found.
Result<std::string> job_model(const Project& project, const std::string& name) {
  Project chosen = TRY(project_of_job(project, name, StartedBy::clock));
  part_jobs(chosen);
  Node origin = Node::make_mapping();
  origin.set("directory", Node::make_string(chosen.working_directory));
  Node files = Node::make_sequence();
  for (const std::string& file : chosen.compose_files) files.items.push_back(Node::make_string(file));
  origin.set("files", std::move(files));
  Node variables = Node::make_mapping();
  for (const auto* const objects : {&chosen.secrets, &chosen.configs})
    for (const auto& [key, object] : *objects)
      if (const auto value = chosen.environment.find(object.environment);
          !object.environment.empty() && value != chosen.environment.end())
        variables.set(value->first, Node::make_string(value->second));
  origin.set("variables", std::move(variables));
  chosen.extensions[origin_key] = std::move(origin);
  return render_yaml(chosen);
}

Result<Project> load_job_model(const std::string& text) {
  const auto unreadable = [] {
    return Error(Code::invalid, "read registered job").hint("run `consort up` to register it again");
  };
  LoadOptions options;
  // Load it once from the original location, as the reference for the second reading.
  const auto load_from = [&](const std::string& directory) {
    options.working_directory = directory;
    options.project_directory = directory;
    options.files = {join_path(directory, model_file)};
    options.access.read = [&text, file = options.files[0]](const std::string& path) -> Result<std::string> {
      return path == file ? Result<std::string>(text) : system_files().read(path);
    };
    options.access.is_file = [file = options.files[0]](const std::string& path) {
      return path == file || system_files().is_file(path);
    };
    // The directory may have been removed by then.
    options.access.exists = [file = options.files[0], directory](const std::string& path) {
      return path == file || path == directory || system_files().exists(path);
    };
    options.environment["COMPOSE_DISABLE_ENV_FILE"] = "1";
    options.advise = Switch::off;
    return load(options);
  };
  const LoadOutcome first = load_from("/");
  const Node* origin = first.raw_tree ? first.raw_tree->find(origin_key) : nullptr;
  const Node* directory = origin ? origin->find("directory") : nullptr;
  if (!directory) return fail(unreadable());
  if (const Node* variables = origin->find("variables"))
    for (const Entry& each : variables->entries) options.environment[each.key] = each.value.text;
  LoadOutcome outcome = load_from(directory->text);
  if (!outcome.project) return fail(unreadable().why(first_error(outcome)));
  outcome.project->extensions.erase(origin_key);
  outcome.project->compose_files.clear();
  if (const Node* files = origin->find("files"))
    for (const Node& file : files->items) outcome.project->compose_files.push_back(file.text);
  return std::move(*outcome.project);
}

Result<Project> project_of_job(const Project& project, const std::string& name, StartedBy by) {
  Project joined = project;
  // A job of an inactive profile may depend on services that are also inactive.
  for (std::map<std::string, Service>* const from : {&joined.jobs, &joined.disabled_jobs, &joined.disabled_services})
    joined.services.merge(*from);
  const auto job = joined.services.find(name);
  if (job == joined.services.end() || !job->second.triggers)
    return fail(Error(Code::not_found, "no such job: " + name));
  const auto refused = [&](std::string_view why) {
    return fail(Error(Code::invalid, "job \"" + name + "\" cannot be run by hand")
                    .why(std::string(why))
                    .at(project.locate({"jobs", name, "triggers", "manual"})));
  };
  if (by == StartedBy::hand && job->second.triggers->manual == false) return refused("it declares manual: false");
  for (const std::string& each : with_dependencies(joined, {name})) {
    const Service& service = joined.services.at(each);
    if (each != name && service.triggers && service.triggers->manual == false)
      return fail(Error(Code::invalid, "job \"" + name + "\" depends on job \"" + each + "\"")
                      .why("that job declares manual: false, so it is not started as a dependency either")
                      .at(project.locate({"jobs", each, "triggers", "manual"})));
  }
  return project_with_services(joined, std::span(&name, 1), Dependencies::include);
}

}  // namespace consort::compose
