// A project's objects, in the order in which they must be applied.
#include <algorithm>

#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "kube/attributes.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t longest_name = 63;

compose::Diagnostic diagnostic_at(const compose::Project& project, const project::DesiredService& service,
                                  const compose::Strings& path, const std::string& message, const std::string& help) {
  compose::Strings whole{project.services.contains(service.name) ? "services" : "jobs", service.name};
  whole.insert(whole.end(), path.begin(), path.end());
  compose::Diagnostic made;
  made.message = message;
  made.help = help;
  made.mark = project.locate(whole);
  if (made.mark.line == 0) made.mark = service.mark;
  made.line_text = project.line_at(made.mark);
  return made;
}

Result<Pod> pod_of(const Scope& scope, const project::DesiredService& service) {
  const compose::Service& file = file_of(scope, service);
  Pod pod;
  add_process(scope, service, pod);
  add_environment(scope, service, pod);
  TRY(add_files(scope, service, pod));
  TRY(add_mounts(scope, service, pod));
  TRY(add_before(scope, service, pod));
  add_resources(file, service, pod);
  add_security(scope, service, pod);
  add_probes(service, pod);
  add_hooks(scope, service, pod);
  add_names(scope, service, pod);
  add_waits(scope, service, pod);
  add_placement(scope, file, service, pod);
  TRY(add_pull_secret(scope, pod));
  return pod;
}

// A cluster ignores a health check that the image defines.
void warn_of_unknown_health(const Scope& scope, const project::DesiredService& service) {
  for (const auto& [name, dependency] : service.dependencies) {
    const auto other = scope.project.services.find(name);
    if (dependency.condition != compose::DependencyCondition::healthy || other == scope.project.services.end())
      continue;
    const auto& health = other->second.healthcheck;
    if (!health || health->test.empty())
      scope.warn(service, {"depends_on", name}, "service \"" + name + "\" counts as healthy on Kubernetes once it runs",
                 "health checks of images are unknown there: set it under healthcheck");
  }
}

Result<> add_service(const Scope& scope, const project::DesiredService& service) {
  const compose::Service& file = file_of(scope, service);
  Pod pod = TRY(pod_of(scope, service));
  warn_of_unknown_health(scope, service);
  add_services(scope, file, service);
  add_workload(scope, file, service, std::move(pod));
  return {};
}

Result<> add_jobs(const Scope& scope) {
  for (const auto& [name, job] : scope.project.jobs) {
    if (!is_scheduled(job)) continue;
    const project::DesiredService wanted = TRY(project::desired_service(scope.project, job));
    Pod pod = TRY(pod_of(scope, wanted));
    add_cron_job(scope, job, wanted, std::move(pod));
  }
  return {};
}

// Refuses two services whose names differ only in characters that object names do not allow.
void refuse_same_names(const Scope& scope) {
  std::map<std::string, std::string> seen;
  for (const project::DesiredService& service : scope.desired.services) {
    const auto [at, fresh] = seen.emplace(object_name(service.name), service.name);
    if (!fresh)
      scope.refuse(service, {},
                   "services \"" + at->second + "\" and \"" + service.name + "\" would both be called \"" + at->first +
                       "\", on Kubernetes",
                   "names there consist of lower-case letters, digits and hyphens");
  }
}

}  // namespace

void Scope::warn(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
                 const std::string& help) const {
  compose::Diagnostic made = diagnostic_at(project, service, path, message, help);
  made.severity = compose::Severity::warning;
  made.code = "kubernetes-left-out";
  out.notes.push_back(std::move(made));
}

void Scope::warn_at(const Mark& mark, const std::string& message, const std::string& help) const {
  compose::Diagnostic made;
  made.severity = compose::Severity::warning;
  made.code = "kubernetes-left-out";
  made.message = message;
  made.help = help;
  made.mark = mark;
  made.line_text = project.line_at(mark);
  out.notes.push_back(std::move(made));
}

void Scope::refuse(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
                   const std::string& help) const {
  compose::Diagnostic made = diagnostic_at(project, service, path, message, help);
  made.code = "kubernetes-refused";
  refusals.push_back(std::move(made));
}

void Scope::add(const std::string& service, const Json& object) const {
  Object made{.api_version = get_string(object, "apiVersion"),
              .kind = get_string(object, "kind"),
              .name = get_string(object.at("metadata"), "name"),
              .service = service,
              .json = dump_json(object)};
  // If two services use the same ConfigMap, it is one object.
  if (known.emplace(made.kind, made.name).second) out.objects.push_back(std::move(made));
}

const compose::Service& file_of(const Scope& scope, const project::DesiredService& service) {
  const auto found = scope.project.services.find(service.name);
  return found != scope.project.services.end() ? found->second : scope.project.jobs.at(service.name);
}

std::string object_name(std::string_view text, std::size_t more) {
  std::string name = to_lower(text);
  for (char& c : name)
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) c = '-';
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  if (name.size() + more > longest_name) name.resize(longest_name - more);
  while (name.ends_with('-')) name.pop_back();
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "n");  // a Service needs a leading letter
  return name;
}
std::string object_name(std::string_view text) {
  return object_name(text, 0);
}

bool is_service_name(std::string_view text) {
  return !text.empty() && object_name(text) == text;
}

std::string content_tag(std::string_view content) {
  return sha256_hex(content).substr(0, 8);
}

Json labels_of(const Scope& scope, const std::string& service) {
  Json labels{{label::managed_by, "consort"}, {label::project, object_name(scope.project.name)}};
  if (!service.empty()) labels[label::service] = object_name(service);
  return labels;
}

Json metadata(const Scope& scope, const std::string& name, const std::string& service) {
  return Json{{"name", name}, {"labels", labels_of(scope, service)}};
}

Result<Manifests> make_manifests(const compose::Project& project, const project::DesiredProject& desired,
                                 const ManifestOptions& options, std::vector<compose::Diagnostic>& refusals) {
  Manifests out;
  for (compose::Diagnostic& each : judge(project))
    (each.severity == compose::Severity::error ? refusals : out.notes).push_back(std::move(each));
  const Facts facts = facts_of(project, desired);
  std::set<std::pair<std::string, std::string>> known;
  std::map<std::string, std::string> passwords;
  const Scope scope{project, desired, options, facts, out, refusals, known, passwords};
  refuse_same_names(scope);
  judge_published(scope);
  add_claims(scope);
  add_policies(scope);
  for (const project::DesiredService& service : desired.services) TRY(add_service(scope, service));
  TRY(add_jobs(scope));
  add_pull_config(scope);
  if (!refusals.empty())
    return fail(Error(Code::unsupported, "bring project \"" + project.name + "\" to Kubernetes")
                    .why(std::to_string(refusals.size()) + " setting(s) of the file are not supported there"));
  return out;
}

}  // namespace consort::kube
