#include "project/verbs/oneoff.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "engine/images.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/operations.hpp"
#include "project/verbs/providers.hpp"
#include "project/verbs/up.hpp"

namespace consort::project {

namespace {

void apply_environment(const std::vector<std::string>& entries, engine::Strings& environment) {
  for (const std::string& entry : entries) {
    const std::string key = entry.substr(0, entry.find('='));
    std::erase_if(environment, [&](const std::string& each) { return each == key || each.starts_with(key + "="); });
    environment.push_back(entry);
  }
}

void apply_mounts(const std::vector<engine::MountSpec>& mounts, engine::ContainerSpec& spec) {
  for (const engine::MountSpec& mount : mounts) {
    std::erase_if(spec.mounts, [&](const engine::MountSpec& each) { return each.target == mount.target; });
    spec.mounts.push_back(mount);
  }
}

// Plans the wait for the service's conditions, after its dependencies have been started.
Plan plan_conditions(const compose::Project& project, const compose::Service& service, std::string_view separator) {
  Plan plan;
  for (const auto& [name, dependency] : service.depends_on) {
    const auto found = project.services.find(name);
    if (found == project.services.end() || found->second.provider ||
        dependency.condition == compose::DependencyCondition::started)
      continue;
    const bool healthy = dependency.condition == compose::DependencyCondition::healthy;
    for (int number = 1; number <= found->second.replicas(); ++number) {
      Operation wait = await_operation(container_name(project, found->second, static_cast<unsigned>(number), separator),
                                       name, healthy ? Awaited::healthy : Awaited::completed);
      wait.necessity = dependency.required ? Necessity::required : Necessity::optional;
      plan.add(std::move(wait));
    }
  }
  return plan;
}

// Removes the service itself from the project, so that its existing replicas are not touched.
Result<> prepare(Session& session, const compose::Service& service, const OneoffOptions& options) {
  TRY(ensure_images(session, options.images, options.detail));
  if (options.with_dependencies) TRY(ask_providers(session, options.detail));
  if (session.dry_run == DryRun::no) session.engine.expect_start(session.project_name);
  compose::Project& project = loaded_project(session);
  const auto node = project.services.extract(service.name);
  std::map<std::string, compose::Service> others;
  if (!options.with_dependencies) {
    others.swap(project.services);
    project.disabled_services.insert(others.begin(), others.end());  // not wanted now, but not orphans
  }
  project.disabled_services[service.name] = service;
  const Observed observed = TRY(observe(session, Look::everything));
  ConvergeOptions converge;
  converge.separator = session.separator;
  converge.env_files = session.env_files;
  converge.confirm = session.confirm;
  converge.provided = session.provided;
  converge.recreate = options.with_dependencies ? options.recreate : Recreate::never;
  converge.recreate_dependencies = options.recreate;
  converge.orphans = options.orphans;
  TRY(execute(session, TRY(plan_converge(project, observed, converge)), "Creating", options.detail));
  if (options.with_dependencies)
    TRY(execute(session, plan_conditions(project, service, session.separator), "Running", options.detail));
  return {};
}

}  // namespace

Result<engine::ContainerSpec> oneoff_spec(const Session& session, const compose::Service& service,
                                          const OneoffOptions& options, const std::string& slug) {
  const compose::Project& project = loaded_project(session);
  compose::Service alone = service;
  alone.container_name = options.name.empty() ? project.name + std::string(session.separator) + service.name +
                                                    std::string(session.separator) + "run" +
                                                    std::string(session.separator) + slug.substr(0, 12)
                                              : options.name;
  alone.restart.clear();
  if (alone.deploy) alone.deploy->restart_policy.reset();
  alone.tty = options.tty;
  alone.stdin_open = options.open_stdin;
  if (!options.service_ports) alone.ports.clear();
  if (options.entrypoint) {
    alone.entrypoint = options.entrypoint;
    alone.command = compose::Strings{};
  }
  if (options.command) alone.command = options.command;
  if (!options.user.empty()) alone.user = options.user;
  if (!options.working_dir.empty()) alone.working_dir = options.working_dir;
  alone.cap_add.insert(alone.cap_add.end(), options.cap_add.begin(), options.cap_add.end());
  alone.cap_drop.insert(alone.cap_drop.end(), options.cap_drop.begin(), options.cap_drop.end());
  ReplicaOptions replica{.separator = session.separator, .env_files = session.env_files};
  if (const auto provided = session.provided.find(service.name); provided != session.provided.end())
    replica.provided = &provided->second;
  engine::ContainerSpec spec = TRY(container_spec(project, alone, replica));
  spec.oneoff = true;
  spec.auto_remove = options.auto_remove;
  spec.labels.erase(label::number);
  spec.labels[label::oneoff] = "True";
  spec.labels[label::slug] = slug;
  spec.labels[label::config_hash] = config_hash(project, service);
  for (const auto& [key, value] : options.labels) spec.labels[key] = value;
  apply_environment(options.environment, spec.environment);
  apply_mounts(options.mounts, spec);
  spec.ports.insert(spec.ports.end(), options.ports.begin(), options.ports.end());
  if (!options.use_aliases)
    for (engine::EndpointSpec& endpoint : spec.networks) endpoint.aliases = {spec.name};
  return spec;
}

Result<> run_post_start(Session& session, const std::string& service, const std::string& container) {
  const compose::Project& project = loaded_project(session);
  // It has been set aside so that its existing replicas are not touched.
  const auto aside = project.disabled_services.find(service);
  const auto active = project.services.find(service);
  if (aside == project.disabled_services.end() && active == project.services.end()) return {};
  const compose::Service& own = active == project.services.end() ? aside->second : active->second;
  if (own.post_start.empty()) return {};
  Operation hooks;
  hooks.action = RunHooks{own.post_start};
  hooks.target = container;
  hooks.service = service;
  Plan plan;
  plan.add(std::move(hooks));
  return execute(session, plan, "Running");
}

Result<engine::CreatedContainer> create_oneoff(Session& session, const std::string& name,
                                               const OneoffOptions& options) {
  const auto found = loaded_project(session).services.find(name);
  if (found == loaded_project(session).services.end()) return fail(Code::not_found, "no such service: " + name);
  const compose::Service service = found->second;
  if (service.provider)
    return fail(Error(Code::invalid, "service \"" + name + "\" is provided by \"" + service.provider->type +
                                         "\": it has no container to run a command in")
                    .at(loaded_project(session).locate({"services", name, "provider"})));
  TRY(prepare(session, service, options));
  engine::ContainerSpec spec = TRY(oneoff_spec(session, service, options, random_id()));
  if (session.dry_run == DryRun::yes) return engine::CreatedContainer{};
  const auto image = TRY(find_image(session, spec.image, spec.platform));
  if (!image) return fail(Code::not_found, "No such image: " + spec.image);
  spec.image_id = image->id;
  spec.labels[label::image] = image->id;
  engine::CreatedContainer created = TRY(session.engine.create_container(spec));
  if (const std::string told = told_api_socket(spec); !told.empty()) session.progress.warn(spec.name + ": " + told);
  for (const std::string& warning : created.warnings) session.progress.warn(spec.name + ": " + warning);
  return created;
}

}  // namespace consort::project
