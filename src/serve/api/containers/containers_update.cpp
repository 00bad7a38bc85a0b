// POST /containers/{id}/update: limits and the restart policy of an existing container.
#include "engine/update.hpp"
#include "serve/api/containers/container_spec.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/known_keys.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

// What the body does not name stays; so does anything given as 0, "" or null, as in Docker.
void take_over(engine::Resources& now, const engine::Resources& said) {
  const auto number = [](auto& value, const auto& wanted) {
    if (wanted != std::remove_cvref_t<decltype(wanted)>{}) value = wanted;
  };
  number(now.memory, said.memory);
  number(now.memory_swap, said.memory_swap);
  number(now.memory_reservation, said.memory_reservation);
  number(now.memory_swappiness, said.memory_swappiness);
  number(now.nano_cpus, said.nano_cpus);
  number(now.cpu_shares, said.cpu_shares);
  number(now.cpu_period, said.cpu_period);
  number(now.cpu_quota, said.cpu_quota);
  number(now.cpu_rt_period, said.cpu_rt_period);
  number(now.cpu_rt_runtime, said.cpu_rt_runtime);
  number(now.cpuset_cpus, said.cpuset_cpus);
  number(now.cpuset_mems, said.cpuset_mems);
  number(now.pids_limit, said.pids_limit);
  number(now.blkio_weight, said.blkio_weight);
}

bool says_something(const Json& value) {
  return !(value.is_null() || (value.is_number() && value == 0) ||
           (value.is_string() && value.get_ref<const std::string&>().empty()) ||
           (value.is_structured() && value.empty()));
}

// inspect returns the same values.
Result<> change_note(Call& call, const engine::ContainerDetails& container, const Json& body) {
  Json note = client_note(call, container);
  if (!note.contains("HostConfig")) return {};
  const Json known = known_update(body);
  for (const auto& [key, value] : known.items())
    if (says_something(value)) note["HostConfig"][key] = value;
  return keep_client_note(call, container, note);
}

Result<> update_container(Call& call) {
  const Json body = TRY(call.body());
  TRY(check_update_kinds(body));
  const engine::ContainerDetails container = TRY(find_container(call));
  const engine::Resources said = TRY(resources_of(body));
  const engine::RestartPolicy restart = TRY(restart_of(body));
  const Json* policy = find_key(body, "RestartPolicy");
  const bool has_policy = policy && !get_string(*policy, "Name").empty();
  const engine::Strings warnings =
      TRY(TRY(call.engine())->update_container(container.id, [&](engine::Changeable& now) -> Result<> {
        take_over(now.resources, said);
        if (has_policy) now.restart = restart;
        if (now.resources.memory > 0 && now.resources.memory_swap > 0 &&
            now.resources.memory_swap < now.resources.memory)
          return fail(http_error(409,
                                 "Memory limit should be smaller than already set memoryswap limit, update the "
                                 "memoryswap at the same time"));
        return {};
      }));
  TRY(change_note(call, container, body));
  return call.json(200, {{"Warnings", warnings.empty() ? Json(nullptr) : Json(warnings)}});
}

constexpr Route table[] = {{"POST", "/containers/{id}/update", update_container, Access::change, Reach::project}};

}  // namespace

std::span<const Route> container_update_routes() {
  return table;
}

}  // namespace consort::serve
