#include "runtime/external.hpp"

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/user.hpp"

namespace consort::runtime {

namespace {

std::string annotation(const Json& config, std::string_view key) {
  const Json* object = find_key(config, "annotations");
  return object ? get_string(*object, key) : std::string();
}

Result<> resolve_user_of(Json& config, int rootfs) {
  const std::string name = annotation(config, user_annotation);
  std::vector<std::string> groups;
  for (const std::string& group : split(annotation(config, group_add_annotation), ','))
    if (!group.empty()) groups.push_back(group);
  Json& process = config["process"];
  if (name.empty() && groups.empty()) return {};
  ResolvedUser user = TRY(resolve_user(rootfs, name, groups));
  if (std::ranges::find(user.groups, user.gid) == user.groups.end()) user.groups.push_back(user.gid);
  process["user"]["uid"] = user.uid;
  process["user"]["gid"] = user.gid;
  process["user"]["additionalGids"] = user.groups;
  if (user.uid == 0) return {};
  // As in launch.cpp: a user other than root keeps only the bounding set.
  if (find_key(process, "capabilities"))
    for (const char* const set : {"effective", "permitted", "inheritable", "ambient"})
      process["capabilities"][set] = Json::array();
  return {};
}

void join_namespace(Json& config, const std::string& type, const std::string& path) {
  Json& namespaces = config["linux"]["namespaces"];
  if (!namespaces.is_array()) namespaces = Json::array();
  for (Json& entry : namespaces) {
    if (get_string(entry, "type") != type) continue;
    entry["path"] = path;
    return;
  }
  namespaces.push_back({{"type", type}, {"path", path}});
}

void place_init(Json& config, const std::string& init_program) {
  if (annotation(config, init_annotation) != "true" || init_program.empty()) return;
  config["mounts"].push_back(
      {{"destination", "/sbin/docker-init"}, {"type", "bind"}, {"source", init_program}, {"options", {"bind", "ro"}}});
  Json& args = config["process"]["args"];
  Json with_init = Json::array({"/sbin/docker-init", "--"});
  for (const Json& word : args) with_init.push_back(word);
  args = std::move(with_init);
}

}  // namespace

Result<std::string> portable_config(std::string_view config_json, const std::string& source,
                                    const PortableParts& parts) {
  Json config = TRY(parse_json(config_json, source));
  if (!config.is_object() || !config.contains("process") || !config["process"].is_object())
    return fail(Error(Code::invalid, "parse").on(source).why("it has no process"));
  TRY(resolve_user_of(config, parts.rootfs));
  for (const auto& [number, path] : parts.sources) config["mounts"].at(number)["source"] = path;
  for (const auto& [type, path] : parts.namespaces) join_namespace(config, type, path);
  place_init(config, parts.init_program);
  config["root"]["path"] = "rootfs";
  // crun before 1.9 refuses anything but 1.0; other runtimes ignore newer fields.
  config["ociVersion"] = "1.0.2";
  return dump_json(config);
}

}  // namespace consort::runtime
