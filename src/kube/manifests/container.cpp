// A service's container: its process, privileges, limits and hooks.
#include <algorithm>
#include <cmath>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

Json literals(const compose::Strings& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push_back(literal(word));
  return list;
}

std::string pull_policy(const std::string& of_file) {
  if (of_file == "always") return "Always";
  if (of_file == "never") return "Never";
  return of_file == "missing" || of_file == "if_not_present" ? "IfNotPresent" : "";
}

std::string image_of(const Scope& scope, const project::DesiredService& service) {
  if (const auto found = scope.options.images.find(service.name); found != scope.options.images.end())
    return found->second;
  const std::string& registry = scope.options.registry;
  return service.image.built && !registry.empty() ? registry + "/" + service.image.name : service.image.name;
}

// Sets the user "1000:1000" as numbers; names are only known in the image.
void add_user(const Scope& scope, const project::DesiredService& service, Json& security) {
  const std::string& user = service.container.user;
  if (user.empty()) return;
  const std::size_t colon = user.find(':');
  const auto set = [&](const char* key, const std::string& text) {
    const auto number = text == "root" ? std::optional<std::uint64_t>(0) : parse_unsigned(text);
    if (number) {
      security[key] = *number;
    } else {
      scope.refuse(service, {"user"}, "user \"" + user + "\" is a name",
                   "Kubernetes needs numbers: `docker run --rm --entrypoint id IMAGE " + text + "` shows them");
    }
  };
  set("runAsUser", user.substr(0, colon));
  if (colon != std::string::npos) set("runAsGroup", user.substr(colon + 1));
}

void add_security_options(const Scope& scope, const project::DesiredService& service, Json& security) {
  for (const std::string& option : service.container.security_opt) {
    if (option == "no-new-privileges" || option == "no-new-privileges:true" || option == "no-new-privileges=true") {
      security["allowPrivilegeEscalation"] = false;
    } else if (option == "seccomp=unconfined" || option == "seccomp:unconfined") {
      security["seccompProfile"] = Json{{"type", "Unconfined"}};
    } else {
      scope.warn(service, {"security_opt"}, "security_opt \"" + option + "\" is left out on Kubernetes",
                 "there are no-new-privileges and seccomp=unconfined");
    }
  }
}

std::string cpu_text(double cpus) {
  return std::to_string(std::lround(cpus * 1000)) + "m";
}

Json handler_of(const compose::Hook& hook) {
  Json command = Json::array();
  for (const std::string& word : *hook.command) command.push_back(word);
  return Json{{"exec", Json{{"command", std::move(command)}}}};
}

void add_hook(const Scope& scope, const project::DesiredService& service, const std::vector<compose::Hook>& hooks,
              const char* of_file, const char* there, Json& lifecycle) {
  if (hooks.empty()) return;
  if (hooks.size() > 1)
    scope.refuse(service, {of_file}, "a container has one " + std::string(of_file) + " hook on Kubernetes",
                 "join the commands: sh -c 'a && b'");
  if (hooks.front().command && !hooks.front().command->empty()) lifecycle[there] = handler_of(hooks.front());
}

}  // namespace

std::string literal(std::string text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    made += text[i];
    if (text[i] == '$' && i + 1 < text.size() && (text[i + 1] == '(' || text[i + 1] == '$')) made += '$';
  }
  return made;
}

void add_process(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  const compose::Service& of_file = service.container;
  Json& container = pod.container;
  container["name"] = object_name(service.name);
  container["image"] = image_of(scope, service);
  if (const std::string policy = pull_policy(service.image.pull_policy); !policy.empty())
    container["imagePullPolicy"] = policy;
  const bool runs_something = of_file.command && !of_file.command->empty();
  if (of_file.entrypoint && !of_file.entrypoint->empty()) container["command"] = literals(*of_file.entrypoint);
  // If the file clears the image's entrypoint, only the command runs.
  const bool alone = of_file.entrypoint && of_file.entrypoint->empty();
  if (runs_something) container[alone ? "command" : "args"] = literals(*of_file.command);
  if (!of_file.working_dir.empty()) container["workingDir"] = of_file.working_dir;
  if (of_file.stdin_open) container["stdin"] = true;
  if (of_file.tty) container["tty"] = true;
}

void add_security(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  const compose::Service& of_file = service.container;
  Json security = Json::object();
  add_user(scope, service, security);
  if (of_file.privileged) security["privileged"] = true;
  if (of_file.read_only) security["readOnlyRootFilesystem"] = true;
  add_security_options(scope, service, security);
  const auto capabilities = [&](const char* key, const compose::Strings& names) {
    for (const std::string& name : names) {
      const std::string upper = to_upper(name);
      security["capabilities"][key].push_back(upper.starts_with("CAP_") ? upper.substr(4) : upper);
    }
  };
  capabilities("add", of_file.cap_add);
  capabilities("drop", of_file.cap_drop);
  if (!security.empty()) pod.container["securityContext"] = std::move(security);
}

void add_resources(const compose::Service& file, const project::DesiredService& service, Pod& pod) {
  Json limits = Json::object(), requests = Json::object();
  if (service.limits.cpus > 0) limits["cpu"] = cpu_text(service.limits.cpus);
  if (service.limits.memory > 0) limits["memory"] = std::to_string(service.limits.memory);
  if (service.container.cpu_shares > 0)
    requests["cpu"] = cpu_text(static_cast<double>(service.container.cpu_shares) / 1024);
  if (file.deploy && file.deploy->resources.reservations && file.deploy->resources.reservations->cpus > 0)
    requests["cpu"] = cpu_text(file.deploy->resources.reservations->cpus);
  if (service.limits.memory_reservation > 0) requests["memory"] = std::to_string(service.limits.memory_reservation);
  Json resources = Json::object();
  if (!limits.empty()) resources["limits"] = std::move(limits);
  if (!requests.empty()) resources["requests"] = std::move(requests);
  if (!resources.empty()) pod.container["resources"] = std::move(resources);
}

void add_hooks(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  Json lifecycle = Json::object();
  add_hook(scope, service, service.post_start, "post_start", "postStart", lifecycle);
  add_hook(scope, service, service.pre_stop, "pre_stop", "preStop", lifecycle);
  if (!lifecycle.empty()) pod.container["lifecycle"] = std::move(lifecycle);
}

}  // namespace consort::kube
