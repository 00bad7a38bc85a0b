#include "project/verbs/select.hpp"

#include <algorithm>
#include <tuple>

#include "base/strings.hpp"
#include "compose/jobs.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

Error no_such_service(const Session& session, const std::vector<engine::Container>& containers,
                      const std::string& name) {
  if (session.project)
    if (auto refused = compose::is_job_only(*session.project, name)) return std::move(*refused);
  Error error(Code::not_found, "no such service: " + name);
  std::vector<std::string> known;
  if (session.project)
    for (const auto& [key, service] : session.project->services) known.push_back(key);
  for (const engine::Container& container : containers) known.push_back(container.service);
  if (const auto near = nearest(name, known)) error.data().hint = "did you mean \"" + *near + "\"?";
  return error;
}

bool is_service(const Session& session, const std::vector<engine::Container>& containers, const std::string& name) {
  return (session.project && service_named(*session.project, name)) ||
         std::ranges::any_of(containers, [&](const engine::Container& each) { return each.service == name; });
}

}  // namespace

bool is_called(const engine::Container& container, const std::string& name) {
  constexpr std::size_t least_of_id = 12;
  return container.name == name || (name.size() >= least_of_id && container.id.starts_with(name));
}

std::set<std::string> services_named(const std::vector<engine::Container>& containers,
                                     const std::vector<std::string>& names) {
  std::set<std::string> services(names.begin(), names.end());
  for (const engine::Container& container : containers)
    for (const std::string& name : names)
      if (is_called(container, name) && services.erase(name) > 0) services.insert(container.service);
  return services;
}

Result<> check_services(const Session& session, const std::vector<engine::Container>& containers,
                        const std::vector<std::string>& services) {
  for (const std::string& name : services) {
    const bool is_container =
        std::ranges::any_of(containers, [&](const engine::Container& each) { return is_called(each, name); });
    if (is_container || is_service(session, containers, name)) continue;
    Error unknown = no_such_service(session, containers, name);
    if (session.strangers == Strangers::refused) return fail(std::move(unknown));
    session.progress.warn(unknown.message());
  }
  return {};
}

Result<std::vector<engine::Container>> select_containers(Session& session, const std::vector<std::string>& services,
                                                         Oneoffs oneoffs) {
  std::vector<engine::Container> containers = TRY(session.engine.list({.project = session.project_name}));
  std::erase_if(containers, is_hook);
  TRY(check_services(session, containers, services));
  std::vector<std::string> names;  // of containers; a service's own name comes first
  for (const std::string& name : services)
    if (!is_service(session, containers, name)) names.push_back(name);
  std::erase_if(containers, [&](const engine::Container& container) {
    const bool by_name =
        std::ranges::any_of(names, [&](const std::string& name) { return is_called(container, name); });
    if (container.oneoff && oneoffs == Oneoffs::leave_out) return !by_name;
    return !services.empty() && !by_name && std::ranges::find(services, container.service) == services.end();
  });
  std::ranges::sort(containers, {}, &engine::Container::name);
  return containers;
}

Result<engine::Container> one_container(Session& session, const std::string& service, std::optional<unsigned> index,
                                        Running running) {
  std::vector<engine::Container> all = TRY(session.engine.list({.project = session.project_name}));
  std::erase_if(all, is_hook);
  Result<> known = check_services(session, all, {service});
  if (!known && session.project && running == Running::required) return fail(std::move(known).error());
  if (!is_service(session, all, service)) {
    const auto called = [&](const engine::Container& each) { return is_called(each, service); };
    if (const auto found = std::ranges::find_if(all, called); found != all.end()) {
      if (running == Running::any || found->state.running()) return *found;
      return fail(Error(Code::conflict, "container " + found->name + " is not running")
                      .hint("start it with `consort -p " + session.project_name + " start " + found->service + "`"));
    }
  }
  std::erase_if(all, [&](const engine::Container& container) { return container.service != service; });
  std::ranges::sort(all, {}, [](const engine::Container& each) { return std::make_tuple(each.oneoff, each.number); });
  for (const engine::Container& container : all) {
    if (index && (container.oneoff || container.number != *index)) continue;
    if (running == Running::required && !container.state.running()) continue;
    return container;
  }
  if (index)
    return fail(Code::conflict, "service \"" + service + "\" is not running container #" + std::to_string(*index));
  if (running == Running::any)
    return fail(Error(Code::not_found, "no container found for service \"" + service + "\"")
                    .hint(known ? std::string() : known.error().hint_text()));
  return fail(Error(Code::conflict, "service \"" + service + "\" is not running")
                  .hint(all.empty()
                            ? "start it with `consort up -d " + service + "`"
                            : "its container " + all.front().name + (all.front().state.ended() ? " has " : " is ") +
                                  std::string(to_string(all.front().state.status)) + "; start it with `consort start " +
                                  service + "`"));
}

Result<> warn_of_namesake(Session& session) {
  if (!session.project) return {};
  const std::string& here = session.project->working_directory;
  for (const engine::Container& container : TRY(select_containers(session, {}, Oneoffs::leave_out))) {
    const auto made = container.labels.find(label::working_dir);
    if (made == container.labels.end() || made->second.empty() || made->second == here) continue;
    session.progress.warn("the containers of project \"" + session.project_name + "\" were created from " +
                          made->second +
                          ", and this directory takes them over; if these are two different projects, give one another "
                          "name with -p or `name:`");
    return {};
  }
  return {};
}

}  // namespace consort::project
