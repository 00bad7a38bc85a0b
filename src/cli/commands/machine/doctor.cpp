// consort doctor: shows what this machine lacks, which features need it, and how to fix that.
#include "engine/doctor.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/roots.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/terminal.hpp"
#include "place/place.hpp"

namespace consort::cli {

namespace {

using engine::Finding;
using Standing = Finding::Standing;

// A user's containers end with the user's last session, unless lingering is enabled for the user.
Finding lingering(const std::string& user) {
  if (!path_exists("/run/systemd/system") || path_exists("/var/lib/systemd/linger/" + user))
    return {"lingering", Standing::good, "containers outlive your session", "", ""};
  return {"lingering", Standing::missing, "systemd ends what you run when you log out",
          "containers do not outlive your session, and do not start at boot", "sudo loginctl enable-linger " + user};
}

// Not from $USER, which is not set for services and cron jobs.
std::string name_of_user() {
  const passwd* const found = ::getpwuid(::getuid());
  return found ? found->pw_name : std::to_string(::getuid());
}

void examine_user(const Roots& roots, std::vector<Finding>& findings) {
  const std::string user = name_of_user();  // must be read before entering a namespace in which we are root
  const place::MissingIds missing = place::missing_ids();
  const Result<place::Entered> entered = place::enter(roots);
  if (!entered) {
    findings.push_back({"user namespace", Standing::broken, entered.error().message(), "no container runs without root",
                        entered.error().hint_text()});
    return;
  }
  findings.push_back({"user namespace", Standing::good, "you are root in one of your own", "", ""});
  if (missing.why.empty())
    findings.push_back(
        {"user ids", Standing::good, "user IDs of containers are mapped to your range in /etc/subuid", "", ""});
  else
    findings.push_back({"user ids", Standing::missing, missing.why,
                        "containers have only one user, root: switching to another one fails", missing.command});
  findings.push_back(lingering(user));
}

std::vector<Finding> examine(const Roots& roots) {
  std::vector<Finding> findings;
  if (place::is_needed()) examine_user(roots, findings);
  const auto broken = [](const Finding& finding) { return finding.standing == Standing::broken; };
  if (std::ranges::none_of(findings, broken)) {
    if (const Result<> prepared = roots.prepare(); !prepared)
      findings.push_back({"directories", Standing::broken, prepared.error().message(), "no container runs",
                          prepared.error().hint_text()});
    else
      std::ranges::move(engine::examine_engine(roots), std::back_inserter(findings));
  }
  std::ranges::move(engine::examine_machine(roots), std::back_inserter(findings));
  return findings;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    std::string standing(engine::to_string(finding.standing)), facility = finding.facility;
    standing.resize(9, ' ');
    facility.resize(std::max<std::size_t>(facility.size(), 16), ' ');
    text += standing + facility + finding.found + "\n";
    const std::string indent(9, ' ');
    if (!finding.cost.empty()) text += indent + "without it: " + finding.cost + "\n";
    if (!finding.command.empty()) text += indent + "type: " + finding.command + "\n";
  }
  return text;
}

std::string json_of(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings)
    list.push_back({{"facility", finding.facility},
                    {"standing", engine::to_string(finding.standing)},
                    {"found", finding.found},
                    {"cost", finding.cost},
                    {"command", finding.command}});
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<int> run_doctor(Invocation& invocation) {
  const std::string format = invocation.flags.text("format", "text");
  if (format != "text" && format != "json")
    return fail(Error(Code::invalid, "unknown --format \"" + format + "\"").hint("use text or json"));
  const std::vector<Finding> findings = examine(TRY(Roots::from_environment()));
  print_out(format == "json" ? json_of(findings) : text_of(findings));
  return std::ranges::any_of(findings, [](const Finding& each) { return each.standing == Standing::broken; }) ? 1 : 0;
}

}  // namespace consort::cli
