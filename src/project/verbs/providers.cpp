#include "project/verbs/providers.hpp"

#include <algorithm>
#include <mutex>

#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/exec/model_runner.hpp"
#include "project/plan/graph.hpp"

namespace consort::project {

namespace {

Result<ModelRunnerState> look_at_models(Session& session, const std::set<std::string>& models) {
  const compose::Project& project = loaded_project(session);
  auto runner = ModelRunner::find(project.environment, project.working_directory);
  if (!runner) {
    Error error = std::move(runner).error();
    return fail(std::move(error).at(project.locate({"models", *models.begin()})));
  }
  const Cancellation cancel = TRY(Cancellation::create());
  const auto listening = TRY(cancel_on_interrupt(session.interrupt_fd, cancel));
  return runner->look(cancel);
}

// These services, the providers that they depend on, and the services that those need.
compose::Project part_of(const compose::Project& project, const std::set<std::string>& services) {
  std::vector<std::string> providers;
  for (const std::string& name : services)
    for (const auto& [dependency, how] : project.services.at(name).depends_on)
      if (const auto found = project.services.find(dependency);
          found != project.services.end() && found->second.provider)
        providers.push_back(dependency);
  const std::set<std::string> asked = ServiceGraph::of(project).with_dependencies(providers);
  compose::Project part = project;
  std::erase_if(part.services, [&](const auto& each) {
    return !services.contains(each.first) && !(each.second.provider && asked.contains(each.first));
  });
  return part;
}

Result<> ask(Session& session, const compose::Project& project, const RunDetail& detail) {
  const std::set<std::string> models = used_models(project);
  std::optional<ModelRunnerState> runner;
  if (!models.empty() && session.dry_run == DryRun::no) runner = TRY(look_at_models(session, models));
  const Plan plan = plan_providers(project, runner.value_or(ModelRunnerState{}));
  std::mutex mutex;
  std::map<std::string, ProviderAnswer> answers;
  RunDetail asking = detail;
  asking.on_provided = [&](const std::string& service, ProviderAnswer answer) {
    const std::scoped_lock lock(mutex);
    answers[service] = std::move(answer);
  };
  if (!plan.empty()) TRY(execute(session, plan, "Running", asking));
  std::vector<std::string> warnings;
  session.provided = provided_variables(project, answers, runner, warnings);
  for (const std::string& warning : warnings) session.progress.warn(warning);
  return {};
}

}  // namespace

Result<> ask_providers(Session& session, const RunDetail& detail) {
  return ask(session, loaded_project(session), detail);
}

Result<> ask_providers_of(Session& session, const std::set<std::string>& services, const RunDetail& detail) {
  return ask(session, part_of(loaded_project(session), services), detail);
}

}  // namespace consort::project
