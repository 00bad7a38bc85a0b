// Called by the shells' completion scripts: prints the words that may come at the cursor.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.hpp"
#include "cli/args/completing.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/project_files.hpp"
#include "cli/workspace.hpp"
#include "engine/in_use.hpp"
#include "engine/jobs.hpp"

namespace consort::cli {

namespace {

// Tells the shell how to treat the words: the protocol of the scripts in completion.cpp.
constexpr std::string_view plain = ":words";
constexpr std::string_view no_space = ":nospace";

// Problems with the file are not printed, because the user is typing.
std::optional<compose::Project> project_of(const Invocation& invocation) {
  auto options = load_options(invocation, {});
  if (!options) return std::nullopt;
  options->profiles = {"*"};
  options->check_consistency = compose::Switch::off;
  options->resolve_env_files = compose::Switch::off;
  return compose::load(*options).project;
}

// Only works for root; fails silently.
std::unique_ptr<Workspace> machine(const Invocation& invocation) {
  if (::geteuid() != 0) return nullptr;
  auto workspace = Workspace::open(invocation, Need::engine);
  return workspace ? std::move(*workspace) : nullptr;
}

// For a project that is known only by its containers.
std::set<std::string> services_made(const Invocation& invocation) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  const auto containers = workspace->engine().list();
  if (!containers) return names;
  for (const engine::Container& container : *containers)
    if (container.project == invocation.globals.text("project-name") && !container.service.empty())
      names.insert(container.service);
  return names;
}

std::set<std::string> service_names(const Invocation& invocation) {
  std::set<std::string> names;
  if (const auto project = project_of(invocation)) {
    for (const auto* services : {&project->services, &project->disabled_services})
      for (const auto& [name, service] : *services) names.insert(name);
    return names;
  }
  return services_made(invocation);
}

std::set<std::string> profile_names(const Invocation& invocation) {
  std::set<std::string> names;
  if (const auto project = project_of(invocation))
    for (const auto* services : {&project->services, &project->disabled_services})
      for (const auto& [name, service] : *services) names.insert(service.profiles.begin(), service.profiles.end());
  return names;
}

std::set<std::string> project_names(const Invocation& invocation) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto containers = workspace->engine().list())
    for (const engine::Container& container : *containers)
      if (!container.project.empty()) names.insert(container.project);
  return names;
}

std::set<std::string> container_names(const Invocation& invocation) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto containers = workspace->engine().list())
    for (const engine::Container& container : *containers) names.insert(container.name);
  return names;
}

std::set<std::string> jobs_of(const compose::Project& project) {
  std::set<std::string> names;
  for (const auto* jobs : {&project.jobs, &project.disabled_jobs})
    for (const auto& [name, job] : *jobs) names.insert(name);
  return names;
}

// Jobs of the file are listed by name, others with their project's name.
std::set<std::string> job_names(const Invocation& invocation) {
  std::set<std::string> names;
  if (const auto project = project_of(invocation)) names = jobs_of(*project);
  if (!names.empty()) return names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto jobs = engine::Jobs(workspace->engine()).list())
    for (const engine::Job& job : *jobs) names.insert(job.full_name());
  return names;
}

std::set<std::string> image_names(const Invocation& invocation) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto images = workspace->engine().images().list())
    for (const auto& image : *images)
      if (image.is_named()) names.insert(image.display_name());
  return names;
}

std::set<std::string> volume_names(const Invocation& invocation) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto volumes = workspace->engine().list_volumes())
    for (const engine::Volume& volume : *volumes) names.insert(volume.spec.name);
  return names;
}

std::set<std::string> network_names(const Invocation& invocation, bool with_built_in) {
  std::set<std::string> names;
  const auto workspace = machine(invocation);
  if (!workspace) return names;
  if (const auto networks = workspace->engine().list_networks())
    for (const engine::Network& network : *networks)
      if (with_built_in || !engine::is_built_in(network)) names.insert(network.spec.name);
  return names;
}

bool fits(const std::string& name, const Completing& typed) {
  return name.starts_with(typed.partial) && name.find_first_of("\n\t") == std::string::npos;
}

void print_names(const std::set<std::string>& names, const Completing& typed, std::string_view behind) {
  for (const std::string& name : names)
    if (fits(name, typed)) print_out(typed.before + name + std::string(behind) + "\n");
}

// In a project, the names of its services come first. Elsewhere, and if no service matches, any container of the
// machine.
void print_services(const Invocation& invocation, const Completing& typed, std::string_view behind) {
  const std::set<std::string> services = service_names(invocation);
  const bool any = std::ranges::any_of(services, [&](const std::string& name) { return fits(name, typed); });
  print_names(any ? services : container_names(invocation), typed, behind);
}

// `run` only accepts jobs of the file.
void print_what_runs(const Invocation& invocation, const Completing& typed) {
  const auto project = project_of(invocation);
  if (!project) return print_names(image_names(invocation), typed, "");
  print_names(service_names(invocation), typed, "");
  print_names(jobs_of(*project), typed, "");
}

void print_words(const Completing& typed) {
  for (const Candidate& candidate : typed.candidates)
    print_out(candidate.word + (candidate.says.empty() ? "" : "\t" + candidate.says) + "\n");
}

// Names of everything that is identified by a name alone.
std::set<std::string> names_of(const Invocation& invocation, Wanted wanted) {
  switch (wanted) {
    case Wanted::services:
      return service_names(invocation);
    case Wanted::profiles:
      return profile_names(invocation);
    case Wanted::images:
      return image_names(invocation);
    case Wanted::containers:
      return container_names(invocation);
    case Wanted::jobs:
      return job_names(invocation);
    case Wanted::networks:
      return network_names(invocation, true);
    case Wanted::own_networks:
      return network_names(invocation, false);
    case Wanted::volumes:
      return volume_names(invocation);
    case Wanted::projects:
      return project_names(invocation);
    case Wanted::objects: {
      std::set<std::string> names;
      for (const Wanted each : {Wanted::containers, Wanted::images, Wanted::networks, Wanted::volumes})
        names.merge(names_of(invocation, each));
      return names;
    }
    default:
      return {};
  }
}

std::string_view answer(const Invocation& invocation, const Completing& typed) {
  switch (typed.wanted) {
    case Wanted::words: {
      print_words(typed);
      if (typed.candidates.size() != 1) return plain;
      const std::string& only = typed.candidates[0].word;
      return only.ends_with('=') || only.ends_with(':') ? no_space : plain;
    }
    case Wanted::files:
      return ":files";
    case Wanted::directories:
      return ":directories";
    case Wanted::services_or_containers:
      print_words(typed);  // `export kubernetes`
      print_services(invocation, typed, "");
      return plain;
    case Wanted::services_to_run:
      print_what_runs(invocation, typed);
      return plain;
    case Wanted::service_counts:
      print_names(service_names(invocation), typed, "=");
      return no_space;
    case Wanted::service_paths:
      if (typed.partial.find_first_of("/.~:") != std::string::npos) return ":files";
      print_services(invocation, typed, ":");
      return ":nospace,files";
    default:
      print_names(names_of(invocation, typed.wanted), typed, "");
      return plain;
  }
}

}  // namespace

// One candidate per line, followed by a tab and its meaning; the last line tells the shell how to treat them.
Result<int> run_internal_complete(Invocation& invocation) {
  const Completing typed = completing(invocation.arguments);
  Invocation asked = invocation;
  asked.globals = typed.globals;
  asked.files = ProjectFiles::of(asked);  // --insecure-registry may be set there
  print_out(std::string(answer(asked, typed)) + "\n");
  return 0;
}

}  // namespace consort::cli
