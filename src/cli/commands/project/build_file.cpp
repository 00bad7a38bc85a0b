#include "cli/commands/project/build_file.hpp"

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/version.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

Json contexts_of(const compose::Build& build) {
  Json contexts = Json::object();
  constexpr std::string_view service = "service:";
  for (const auto& [name, value] : build.additional_contexts)
    contexts[name] = value.starts_with(service) ? "target:" + value.substr(service.size()) : value;
  return contexts;
}

Json secrets_of(const compose::Project& project, const compose::Build& build) {
  Json secrets = Json::array();
  for (const compose::FileReference& reference : build.secrets) {
    const auto found = project.secrets.find(reference.source);
    if (found == project.secrets.end()) continue;
    const std::string id = reference.target.empty() ? reference.source : reference.target;
    secrets.push_back(found->second.environment.empty() ? "id=" + id + ",type=file,src=" + found->second.file
                                                        : "id=" + id + ",type=env,env=" + found->second.environment);
  }
  return secrets;
}

Json ulimits_of(const compose::Build& build) {
  Json ulimits = Json::array();
  for (const auto& [name, limit] : build.ulimits)
    ulimits.push_back(name + "=" + std::to_string(limit.soft) +
                      (limit.single ? std::string() : ":" + std::to_string(limit.hard)));
  return ulimits;
}

Json entitlements_of(const compose::Build& build) {
  Json entitlements = build.entitlements;
  if (build.privileged) entitlements.push_back("security.insecure");
  return entitlements;
}

Json attestations_of(const compose::Build& build) {
  Json attestations = Json::array();
  for (const auto& [type, value] : {std::pair{"provenance", build.provenance}, std::pair{"sbom", build.sbom}}) {
    if (value.empty() || value == "false") continue;
    attestations.push_back(std::string("type=") + type + (value == "true" ? "" : "," + value));
  }
  return attestations;
}

Json labels_of(const compose::Project& project, const compose::Service& service) {
  std::map<std::string, std::string> labels = service.build->labels;
  labels[project::label::project] = project.name;
  labels[project::label::service] = service.name;
  labels[project::label::version] = compose_version;
  return labels;
}

std::string output_of(const compose::Service& service, PrintedGoal goal) {
  const bool push = goal == PrintedGoal::push && !service.image.empty();
  if (service.build->platforms.size() > 1) return std::string("type=image,push=") + (push ? "true" : "false");
  return push ? "type=registry" : "type=docker";
}

Json target_of(const compose::Project& project, const compose::Service& service, PrintedGoal goal) {
  const compose::Build& build = *service.build;
  Json target = Json::object();
  const auto put = [&target](const char* key, Json value) {
    if (!value.empty()) target[key] = std::move(value);
  };
  target["context"] = build.context;
  put("contexts", contexts_of(build));
  if (!build.dockerfile_inline.empty()) {
    target["dockerfile-inline"] = build.dockerfile_inline;
  } else if (!build.dockerfile.empty()) {
    target["dockerfile"] =
        build.context.starts_with('/') ? join_path(build.context, build.dockerfile) : build.dockerfile;
  }
  Json args = Json::object();
  for (const auto& [key, value] : build.args)
    if (value) args[key] = *value;
  put("args", std::move(args));
  target["labels"] = labels_of(project, service);
  std::vector<std::string> tags = build.tags;
  tags.push_back(project::image_name(project, service));
  target["tags"] = tags;
  put("cache-from", build.cache_from);
  put("cache-to", build.cache_to);
  if (!build.target.empty()) target["target"] = build.target;
  put("secret", secrets_of(project, build));
  Json ssh = Json::array();
  for (const compose::SshKey& key : build.ssh) ssh.push_back(key.id + "=" + key.path);
  put("ssh", std::move(ssh));
  put("platforms", build.platforms);
  if (build.pull) target["pull"] = true;
  if (build.no_cache) target["no-cache"] = true;
  put("no-cache-filter", build.no_cache_filter);
  if (!build.network.empty()) target["network"] = build.network;
  if (build.shm_size > 0) target["shm-size"] = std::to_string(build.shm_size);
  put("ulimits", ulimits_of(build));
  put("entitlements", entitlements_of(build));
  Json hosts = Json::object();
  for (const auto& [name, addresses] : build.extra_hosts)
    for (const std::string& address : addresses) hosts[name] = address;
  put("extra-hosts", std::move(hosts));
  if (goal == PrintedGoal::check) {
    target["call"] = "lint";
  } else {
    target["output"] = Json::array({output_of(service, goal)});
  }
  put("attest", attestations_of(build));
  return target;
}

}  // namespace

std::string bake_file(const compose::Project& project, PrintedGoal goal) {
  Json names = Json::array(), targets = Json::object();
  for (const auto& [name, service] : project.services) {
    if (!service.build) continue;
    names.push_back(name);
    targets[name] = target_of(project, service, goal);
  }
  Json document = Json::object();
  document["group"] = {{"default", {{"targets", names}}}};
  document["target"] = std::move(targets);
  return escape_html(dump_json(document, 2)) + "\n";
}

}  // namespace consort::cli
