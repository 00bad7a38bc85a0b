// Converts a project to units whose services Consort runs: a unit for each service, ordered by depends_on;
// PROJECT.target starts and stops them together. Consort's supervisor restarts containers, so systemd does not.

#include "units/timer.hpp"
#include "units/unit_text.hpp"
#include "units/units.hpp"

namespace consort::units {

namespace {

using enum compose::Fate;
using compose::DependencyCondition;

constexpr compose::AttributeFate rows[] = {
    {"services.*.profiles", unneeded, "the active services are exported"},
    {"services.*.attach", unneeded, "output goes to the journal"},
    {"services.*.develop", unneeded, "for `watch`"},
    {"services.*.depends_on.*.restart", becomes, "as `Requires` does anyway"},
    {"services.*.depends_on", becomes,
     "`Requires` (`Wants` with `required: false`) and `After`; `service_healthy`: the other unit counts as started "
     "once its containers are healthy; `service_completed_successfully`: it runs to completion first"},
    {"services", becomes, "a unit"},
    {"jobs.*.triggers.manual", unneeded, "`systemctl start` can always start it"},
    {"jobs.*.triggers.schedule.[].cron", becomes, "`OnCalendar`"},
    {"jobs.*.triggers.schedule.[].timezone", becomes, "behind `OnCalendar`"},
    {"jobs.*.triggers.schedule.[].concurrency", becomes, "what systemd does", "forbid"},
    {"jobs.*.triggers.schedule.[].concurrency", warned, "a run that is due while another one is running is skipped"},
    {"jobs.*.triggers.schedule.[].missed_fires", becomes, "`Persistent`"},
    {"jobs.*.triggers", becomes, "a `.timer`"},
    {"jobs", becomes, "a unit that runs it once"},
    {"secrets.*.environment", warned,
     "values of variables are not written to files: set it for the units with `systemctl edit`"},
    {"secrets", becomes, "as here"},
    {"version", unneeded, "has no effect in Consort either"},
    {"include", unneeded, "resolved when the file is read"},
    {"name", becomes, "prefix of the unit names"},
    {"models", becomes, "as here"},
    {"networks", becomes, "as here"},
    {"volumes", becomes, "as here"},
    {"configs", becomes, "as here"},
};

constexpr std::int64_t default_grace = 10;    // seconds
constexpr std::int64_t more_than_grace = 30;  // for everything besides the stop

struct Maker {
  const compose::Project& project;
  const project::DesiredProject& desired;
  std::string program;
  Units out = {};

  std::string unit(const std::string& name) const { return project.name + "-" + name; }

  // The command line that runs the program on this project.
  std::string command(const std::vector<std::string>& words) const {
    // %Y: the directory that contains the unit.
    std::vector<std::string> all{command_word(program), "--project-directory", command_word(project.working_directory),
                                 "--file", "%Y/" + command_word(project.name + ".compose.yaml")};
    for (const std::string& word : words) all.push_back(command_word(word));
    return command_lines(all);
  }

  UnitText begin(const std::string& name, const char* kind) const {
    UnitText text(std::string(kind) + " \"" + name + "\" of the Compose project \"" + project.name + "\"");
    text.section("Unit");
    text.set("Description", text_value(unit(name)));
    text.set("Wants", "network-online.target");
    text.set("After", "network-online.target");
    return text;
  }

  void add_order(const project::DesiredService& service, UnitText& text) const {
    for (const auto& [name, dependency] : service.dependencies) {
      if (!project.services.contains(name)) continue;
      text.set(dependency.required ? "Requires" : "Wants", unit(name) + ".service");
      text.set("After", unit(name) + ".service");
    }
  }

  void add_service(const project::DesiredService& service) {
    const std::string& name = service.name;
    UnitText text = begin(name, "Service");
    text.set("PartOf", project.name + ".target");
    add_order(service, text);
    text.section("Service");
    if (is_awaited(desired, name, DependencyCondition::completed_successfully)) {
      text.set("Type", "oneshot");
      text.set("RemainAfterExit", "yes");
      text.set("TimeoutStartSec", "infinity");
      text.set("ExecStart", command({"up", "--no-deps", "--no-log-prefix", "--exit-code-from", name, name}));
    } else {
      text.set("Type", "notify");  // `up` reports that its containers have started
      text.set("TimeoutStartSec", "infinity");
      const auto& grace = service.container.stop_grace_period;
      const std::int64_t seconds = grace ? std::chrono::ceil<std::chrono::seconds>(*grace).count() : default_grace;
      text.set("TimeoutStopSec", std::to_string(seconds + more_than_grace));
      text.set("ExecStart", command({"up", "--no-deps", "--no-log-prefix", name}));
      if (is_awaited(desired, name, DependencyCondition::healthy))
        text.set("ExecStartPost", command({"up", "--detach", "--no-deps", "--wait", name}));
    }
    text.set("ExecStop", command({"stop", name}));
    text.section("Install");
    text.set("WantedBy", project.name + ".target");
    out.files.push_back({unit(name) + ".service", text.text()});
  }

  Result<> add_job(const compose::Service& job) {
    UnitText text = begin(job.name, "Job");
    text.section("Service");
    text.set("Type", "oneshot");
    text.set("TimeoutStartSec", "infinity");
    text.set("ExecStart", command({"run", "--rm", job.name}));
    out.files.push_back({unit(job.name) + ".service", text.text()});
    if (auto timer = TRY(timer_of(job, unit(job.name), project.name))) out.files.push_back(std::move(*timer));
    return {};
  }

  void add_target() {
    UnitText text("All services of the Compose project \"" + project.name + "\"");
    text.section("Unit");
    text.set("Description", text_value(project.name));
    for (const project::DesiredService& service : desired.services) text.set("Wants", unit(service.name) + ".service");
    text.section("Install");
    text.set("WantedBy", "default.target");
    out.files.push_back({project.name + ".target", text.text()});
  }
};

}  // namespace

compose::FateTable consort_fates() {
  return {.rows = rows, .where = "in systemd units", .code = "systemd"};
}

Result<Units> consort_units(const compose::Project& project, const project::DesiredProject& desired,
                            const std::string& program) {
  Maker maker{project, desired, program};
  maker.out.notes = compose::judge(project, consort_fates());
  maker.out.files.push_back({project.name + ".compose.yaml", compose::render_yaml(project)});
  for (const project::DesiredService& service : desired.services) maker.add_service(service);
  for (const auto& [name, job] : project.jobs) TRY(maker.add_job(job));
  if (!desired.services.empty()) maker.add_target();
  return std::move(maker.out);
}

}  // namespace consort::units
