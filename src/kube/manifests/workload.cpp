// What runs the pods: Deployment, StatefulSet, DaemonSet or Job.
#include <algorithm>

#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

std::string kind_of(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  if (scope.facts.ending.contains(file.name)) return "Job";
  if (runs_on_each_node(file)) return "DaemonSet";
  return keeps_data(service) ? "StatefulSet" : "Deployment";
}

void add_ports(const project::DesiredService& service, Pod& pod) {
  Json ports = Json::array();
  for (const InnerPort& port : inner_ports(service))
    // A range is not worth a list: every port of a pod is reached anyway. The protocol is part of what tells ports
    // apart, and server-side apply does not know its default everywhere.
    if (port.first == port.last)
      ports.push_back(Json{{"containerPort", port.first}, {"protocol", to_upper(port.protocol)}});
  if (!ports.empty()) pod.container["ports"] = std::move(ports);
}

Json template_of(const Scope& scope, const project::DesiredService& service, Pod pod, std::string& config) {
  Json containers = Json::array({std::move(pod.container)});
  Json spec{{"containers", std::move(containers)}};
  spec.update(pod.spec);
  Json labels = labels_of(scope, service.name);
  config = content_tag(dump_json(pod.annotations) + dump_json(spec));
  add_network_labels(scope, service, labels);
  labels[label::config] = config;
  Json meta{{"labels", std::move(labels)}};
  if (!pod.annotations.empty()) meta["annotations"] = std::move(pod.annotations);
  return Json{{"metadata", std::move(meta)}, {"spec", std::move(spec)}};
}

// How a change is rolled out.
void add_strategy(const compose::Service& file, const std::string& kind, Json& spec) {
  if (!file.deploy) return;
  const std::optional<compose::UpdateConfig>& update = file.deploy->update_config;
  if (!update) return;
  const compose::UpdateConfig& wanted = *update;
  const std::uint64_t many = wanted.parallelism.value_or(1);
  if (kind == "Deployment") {
    const bool start_first = wanted.order == "start-first";
    const Json all = "100%";
    const Json count = many == 0 ? all : Json(many);
    spec["strategy"] = Json{{"type", "RollingUpdate"},
                            {"rollingUpdate", Json{{"maxSurge", start_first ? count : Json(0)},
                                                   {"maxUnavailable", start_first ? Json(0) : count}}}};
  } else if (kind == "DaemonSet" && many > 0) {
    spec["updateStrategy"] = Json{{"type", "RollingUpdate"}, {"rollingUpdate", Json{{"maxUnavailable", many}}}};
  }
  if (wanted.delay.count() > 0 && kind != "StatefulSet")  // it has none before 1.25
    spec["minReadySeconds"] = std::chrono::ceil<std::chrono::seconds>(wanted.delay).count();
}

Json job_spec(const compose::Service& file, const project::DesiredService& service, Json pod_template) {
  // One try, as here: what is to be tried again says so.
  std::uint64_t tries = 0;
  std::string restart = "Never";
  if (service.restart.when != project::RestartWhen::never) {
    restart = "OnFailure";
    tries = service.restart.most_times ? service.restart.most_times : 6;
  }
  if (file.deploy)
    if (const auto& policy = file.deploy->restart_policy) tries = policy->max_attempts.value_or(tries);
  pod_template["spec"]["restartPolicy"] = restart;
  Json spec{{"backoffLimit", tries}};
  if (service.replicas > 1) {
    spec["completions"] = service.replicas;
    spec["parallelism"] = service.replicas;
  }
  spec["template"] = std::move(pod_template);
  return spec;
}

Json set_spec(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
              const std::string& kind, Json pod_template) {
  Json spec = Json::object();
  if (kind != "DaemonSet") spec["replicas"] = service.replicas;
  spec["selector"] = Json{{"matchLabels", labels_of(scope, service.name)}};
  if (kind == "StatefulSet") {
    spec["serviceName"] = object_name(service.name);
    // Replicas are alike, as here: none waits for the one before it.
    spec["podManagementPolicy"] = "Parallel";
  }
  add_strategy(file, kind, spec);
  spec["template"] = std::move(pod_template);
  return spec;
}

}  // namespace

bool runs_on_each_node(const compose::Service& file) {
  return file.deploy && file.deploy->mode == "global";
}

bool keeps_data(const project::DesiredService& service) {
  return std::ranges::any_of(service.mounts, [](const project::DesiredMount& each) {
    return each.how.type == compose::MountType::volume && !each.how.source.empty() && !each.how.read_only;
  });
}

bool is_scheduled(const compose::Service& job) {
  return job.triggers && !job.triggers->schedule.empty();
}

// "no" that somebody wrote, not what Compose assumes.
bool ends_by_itself(const compose::Service& file, bool awaited) {
  if (awaited || file.restart == "no") return true;
  if (!file.deploy) return false;
  const auto& policy = file.deploy->restart_policy;
  return file.deploy->mode == "replicated-job" || (policy && policy->condition == "none");
}

void add_workload(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod pod) {
  add_ports(service, pod);
  Workload made{.kind = kind_of(scope, file, service), .name = object_name(service.name), .service = service.name};
  made.replicas = made.kind == "DaemonSet" ? 0 : service.replicas;
  made.ends = made.kind == "Job";
  made.unhealthy_after = unhealthy_after(service);
  if (!made.ends) add_rollout(scope, service, pod);
  Json pod_template = template_of(scope, service, std::move(pod), made.config);
  // A Job's pods cannot be changed: another template is another Job.
  if (made.ends) made.name = object_name(service.name, 9) + "-" + made.config;
  Json meta = metadata(scope, made.name, service.name);
  meta["annotations"] =
      Json{{annotation::replicas, std::to_string(service.replicas)}, {annotation::project, scope.project.name}};
  if (file.deploy) add_labels(scope, service, {"deploy", "labels"}, file.deploy->labels, meta["annotations"]);
  Json spec = made.ends ? job_spec(file, service, std::move(pod_template))
                        : set_spec(scope, file, service, made.kind, std::move(pod_template));
  if (made.ends && service.replicas == 0) return;
  scope.add(service.name, Json{{"apiVersion", made.ends ? "batch/v1" : "apps/v1"},
                               {"kind", made.kind},
                               {"metadata", std::move(meta)},
                               {"spec", std::move(spec)}});
  scope.out.workloads.push_back(std::move(made));
}

void add_cron_job(const Scope& scope, const compose::Service& file, const project::DesiredService& job, Pod pod) {
  const compose::JobSchedule& when = file.triggers->schedule.front();
  std::string config;
  Json pod_template = template_of(scope, job, std::move(pod), config);
  Json spec{{"schedule", when.cron}};
  if (!when.timezone.empty()) {
    if (scope.options.cron_job_version != "batch/v1")
      scope.refuse(job, {"triggers", "schedule", "0", "timezone"}, "this cluster's jobs have no time zones",
                   "remove it, and use UTC");
    spec["timeZone"] = when.timezone;
  }
  spec["concurrencyPolicy"] = "Forbid";
  spec["jobTemplate"] = Json{{"spec", job_spec(file, job, std::move(pod_template))}};
  scope.add(job.name, Json{{"apiVersion", scope.options.cron_job_version},
                           {"kind", "CronJob"},
                           {"metadata", metadata(scope, object_name(job.name, 11), job.name)},
                           {"spec", std::move(spec)}});
}

}  // namespace consort::kube
