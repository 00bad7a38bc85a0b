#include "supervisor/container/record.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "supervisor/container/state_json.hpp"

namespace consort::supervisor {
namespace {

constexpr std::array<std::string_view, 3> after_stop_names{"nothing", "start", "restart"};

}  // namespace

std::string record_to_json(const Record& record) {
  Json json = state_as_json(record.state);
  Json own{{"unit", record.unit_path},
           {"launching", record.launching},
           {"after_stop", after_stop_names[static_cast<std::size_t>(record.after_stop)]},
           {"restart_at_ms", record.restart_at_ms},
           {"restart_delay_ms", record.restart_delay.count()},
           {"oom_kills", record.oom_kills},
           {"host_links", record.host_links}};
  if (record.told_ports != record.state.ports) own["told_ports"] = ports_as_json(record.told_ports);
  if (record.attached) {
    Json attached = Json::array();
    for (const Attached& each : *record.attached)
      attached.push_back({{"network", each.network_id}, {"interface", each.ifname}});
    own["attached"] = std::move(attached);
  }
  if (record.stop) own["stop"] = {{"signal", record.stop->signal}, {"deadline_ms", record.stop->deadline_ms}};
  Json execs = Json::array();
  for (const ExecRecord& exec : record.execs)
    execs.push_back({{"exec", exec.exec}, {"pid", exec.pid}, {"pid_started", exec.pid_started}});
  own["execs"] = std::move(execs);
  json["supervisor"] = std::move(own);
  return dump_json(json);
}

Result<Record> record_from_json(std::string_view text, const std::string& source) {
  const Json json = TRY(parse_json(text, source));
  Record record;
  record.state = TRY(state_of_json(json, source));
  const Json* own = find_key(json, "supervisor");
  if (own == nullptr || !own->is_object())
    return fail(Error(Code::invalid, "read run record").on(source).why("no supervisor part"));
  record.unit_path = get_string(*own, "unit");
  record.launching = get_bool(*own, "launching");
  const auto after = std::ranges::find(after_stop_names, get_string(*own, "after_stop"));
  if (after != after_stop_names.end()) record.after_stop = static_cast<AfterStop>(after - after_stop_names.begin());
  record.restart_at_ms = get_int(*own, "restart_at_ms", -1);
  record.restart_delay = Milliseconds(get_int(*own, "restart_delay_ms"));
  record.oom_kills = static_cast<std::uint64_t>(get_int(*own, "oom_kills"));
  record.host_links = get_strings(*own, "host_links");
  if (const Json* attached = find_key(*own, "attached"); attached != nullptr && attached->is_array()) {
    record.attached.emplace();
    for (const Json& each : *attached)
      record.attached->push_back(Attached{get_string(each, "network"), get_string(each, "interface")});
  }
  record.told_ports = own->contains("told_ports") ? ports_of_json(*own, "told_ports") : record.state.ports;
  if (const Json* stop = find_key(*own, "stop"); stop != nullptr)
    record.stop = StopRecord{static_cast<int>(get_int(*stop, "signal", 15)), get_int(*stop, "deadline_ms", -1)};
  if (const Json* execs = find_key(*own, "execs"); execs != nullptr && execs->is_array())
    for (const Json& exec : *execs)
      record.execs.push_back(ExecRecord{static_cast<std::uint64_t>(get_int(exec, "exec")),
                                        static_cast<pid_t>(get_int(exec, "pid")),
                                        static_cast<std::uint64_t>(get_int(exec, "pid_started"))});
  return record;
}

}  // namespace consort::supervisor
