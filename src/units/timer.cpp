#include "units/timer.hpp"

#include "base/clock/cron.hpp"
#include "units/unit_text.hpp"

namespace consort::units {

Result<std::optional<UnitFile>> timer_of(const compose::Service& job, const std::string& unit,
                                         const std::string& project) {
  if (!job.triggers || job.triggers->schedule.empty()) return std::nullopt;
  const compose::JobSchedule& schedule = job.triggers->schedule.front();
  const Cron cron = TRY(Cron::parse(schedule.cron));
  UnitText text("Schedule of job \"" + job.name + "\" of the Compose project \"" + project + "\"");
  text.section("Unit");
  text.set("Description", text_value(unit + " at " + schedule.cron));
  text.section("Timer");
  for (const std::string& each : cron.calendars())
    text.set("OnCalendar", text_value(each + " " + (schedule.timezone.empty() ? "UTC" : schedule.timezone)));
  text.set("AccuracySec", "1s");
  if (schedule.missed_fires != "skip") text.set("Persistent", "true");
  text.section("Install");
  text.set("WantedBy", "timers.target");
  return UnitFile{unit + ".timer", text.text()};
}

}  // namespace consort::units
