#include "engine/update.hpp"

#include <array>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "engine/checks/validate.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/json_text.hpp"
#include "engine/records/rows.hpp"
#include "engine/start/oci_resources.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/spec.hpp"

namespace consort::engine {

namespace {

Result<> check(const ContainerSpec& spec, const HostInfo& host, Strings& warnings) {
  if (spec.auto_remove && spec.restart.mode != RestartMode::no)
    return fail(
        Error(Code::conflict, "Restart policy cannot be updated because AutoRemove is enabled for the container"));
  if (spec.restart.max_retries != 0 && spec.restart.mode != RestartMode::on_failure)
    return fail(Error(Code::invalid, "invalid restart policy: maximum retry count can only be used with 'on-failure'"));
  return validate_resources(spec, host, warnings);
}

Result<> put_record(Engine::Impl& impl, const ContainerRecord& changed) {
  const EngineEvent event = impl.container_event(changed.summary, "update");
  return impl.database.transaction("change container", [&](SQLite::Database& db) -> Result<> {
    execute(db, "UPDATE engine_containers SET summary = ?, spec = ? WHERE id = ?", to_json(changed.summary),
            to_json(changed.spec), changed.summary.id);
    insert_event(db, event);
    return {};
  });
}

supervisor::RestartUnit unit_of(const RestartPolicy& policy) {
  constexpr std::array<std::string_view, 4> names{"no", "on-failure", "always", "unless-stopped"};
  const auto known = supervisor::restart_policy_from(names.at(static_cast<std::size_t>(policy.mode)));
  return {.policy = known.value_or(supervisor::RestartPolicy::no), .max_retries = policy.max_retries};
}

// A restart by the supervisor begins with config.json. The device rules do not change.
Result<> rewrite_config(const std::string& bundle, const ContainerRecord& record) {
  const std::string path = bundle + "/config.json";
  Json config = TRY(parse_json(TRY(read_file(path)), path));
  const OciInput input{.id = record.summary.id, .bundle = bundle, .spec = record.spec, .process = record.process};
  Json resources = TRY(resources_json(input));
  Json& written = config["linux"]["resources"];
  if (const Json* devices = find_key(written, "devices")) resources["devices"] = *devices;
  written = std::move(resources);
  return write_file_atomic(path, dump_json(config), 0600);
}

Result<> change_running(Engine::Impl& impl, const ContainerRecord& record, Strings& warnings) {
  const std::string& id = record.summary.id;
  const std::string bundle = impl.container_directory(id);
  TRY(rewrite_config(bundle, record));
  const runtime::Spec spec = TRY(runtime::load_spec(bundle));
  TRY(runtime::Cgroup::open(TRY(impl.cgroup_of(id))).update(spec.linux_.resources, warnings));
  const std::string path = bundle + "/unit.json";
  supervisor::ContainerUnit unit = TRY(supervisor::read_unit(path));
  unit.restart = unit_of(record.spec.restart);
  TRY(write_file_atomic(path, supervisor::unit_to_json(unit), 0600));
  (void)TRY(impl.client(record.summary.project).reconnect(id));
  return {};
}

}  // namespace

Result<Strings> Engine::update_container(const std::string& id, const std::function<Result<>(Changeable&)>& change) {
  const std::string found = TRY(impl_->load(id)).summary.id;
  const Fd lock = TRY(impl_->lock_container(found));
  ContainerRecord record = TRY(impl_->load(found));
  Changeable changed{.resources = record.spec.resources, .restart = record.spec.restart};
  TRY(change(changed));
  record.spec.resources = std::move(changed.resources);
  record.spec.restart = record.summary.restart = changed.restart;
  Strings warnings;
  TRY(check(record.spec, impl_->host(), warnings));
  TRY(put_record(*impl_, record));
  if (TRY(impl_->observe(record.summary.project, found)).has_process()) TRY(change_running(*impl_, record, warnings));
  return warnings;
}

Result<> Engine::remove_link(const std::string& id, const std::string& alias) {
  const std::string found = TRY(impl_->load(id)).summary.id;
  const Fd lock = TRY(impl_->lock_container(found));
  ContainerRecord record = TRY(impl_->load(found));
  const std::size_t gone = std::erase_if(
      record.spec.links, [&](const std::string& link) { return link.substr(link.find(':') + 1) == alias; });
  if (gone == 0) return fail(Error(Code::not_found, "No such link: /" + record.summary.name + "/" + alias));
  return put_record(*impl_, record);
}

}  // namespace consort::engine
