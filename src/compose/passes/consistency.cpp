// Checks each service by itself and against the others, in order of their names; then looks for dependency cycles.
#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "compose/passes/checked_service.hpp"

namespace consort::compose {

namespace {

// Services that wait for each other.
class Cycles {
 public:
  Cycles(const Project& project, Reporter& reporter) : project_(project), reporter_(reporter) {}

  void find() {
    std::set<std::string> done;
    Strings stack;
    for (const auto& [name, service] : project_.services) {
      if (visit(name, stack, done)) return;
    }
  }

 private:
  bool visit(const std::string& name, Strings& stack, std::set<std::string>& done) {
    if (done.contains(name)) return false;
    if (const auto found = std::ranges::find(stack, name); found != stack.end()) {
      report_cycle(Strings(found, stack.end()));
      return true;
    }
    if (stack.size() > 5000) return false;
    const auto service = project_.services.find(name);
    if (service == project_.services.end()) return false;
    stack.push_back(name);
    for (const auto& [next, dependency] : service->second.depends_on) {
      if (visit(next, stack, done)) return true;
    }
    stack.pop_back();
    done.insert(name);
    return false;
  }

  void report_cycle(Strings cycle) {
    const std::string first = cycle.front();
    const Place place = place_in(*project_.tree, {"services", cycle.back(), "depends_on", first});
    Strings drawn = cycle;
    drawn.push_back(first);
    Diagnostic& made = reporter_.error("dependency-cycle", "dependency cycle detected: " + join(drawn, " -> "), place);
    made.label = "closes the cycle";
    made.help = "each waits for the next, so none can start: remove one of these dependencies";
    for (std::size_t i = 0; i + 1 < cycle.size(); ++i) {
      made.related.push_back(
          reporter_.related(place_in(*project_.tree, {"services", cycle[i], "depends_on", cycle[i + 1]}),
                            cycle[i] + " waits for " + cycle[i + 1]));
    }
  }

  const Project& project_;
  Reporter& reporter_;
};

// In Docker Compose's order, which determines the first error that is reported.
void check_service(const Project& project, const Service& service, const std::string& name, Reporter& reporter) {
  const CheckedService checked(project, reporter, name);
  for (const auto check : {check_image, check_contexts, check_platforms, check_networks, check_health,
                           check_dependencies, check_volumes, check_files, check_numbers})
    check(checked, service);
  for (std::size_t i = 0; i < service.pre_start.size(); ++i) {
    const CheckedService hook(project, reporter, name, std::to_string(i));
    for (const auto check : {check_networks, check_volumes, check_files}) check(hook, service.pre_start[i].own);
  }
}

}  // namespace

void check_consistency(const Project& project, Reporter& reporter) {
  for (const auto& [name, service] : project.services) {
    if (reporter.exhausted()) break;
    check_service(project, service, name, reporter);
  }
  if (!reporter.exhausted()) Cycles(project, reporter).find();
  for (const auto& [name, secret] : project.secrets) {
    if (secret.external || !secret.file.empty() || !secret.environment.empty()) continue;
    Diagnostic& made = reporter.error(
        "no-source", "secret \"" + name + "\" must declare either `file` or `environment`: invalid compose project",
        place_in(*project.tree, {"secrets", name}));
    made.label = "no source that can be used here";
    made.help = "secrets come from `file: ./PATH` or `environment: VARIABLE`; drivers are for Swarm clusters";
  }
}

}  // namespace consort::compose
