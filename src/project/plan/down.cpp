// Takes a project down: its containers in reverse order, then everything that only they needed.
#include <algorithm>

#include "base/strings.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/label_of.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/plan/names.hpp"
#include "project/plan/operations.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

namespace {

using Needs = std::vector<OperationId>;

class Downer {
 public:
  Downer(const std::string& name, const compose::Project* project, const Observed& observed, const DownOptions& options)
      : name_(name), project_(project), observed_(observed), options_(options) {}

  Plan run() {
    plan_.on_failure = OnFailure::go_on;
    choose();
    containers();
    hooks();
    networks();
    if (options_.volumes) volumes();
    if (options_.images != RemoveImages::none) images();
    return std::move(plan_);
  }

 private:
  void choose() {
    for (const engine::Container& container : observed_.containers) {
      const bool active =
          !project_ || project_->services.contains(container.service) || project_->jobs.contains(container.service);
      const compose::Service* disabled = active ? nullptr : service_named(*project_, container.service);
      const bool orphan = container.oneoff || (!active && !disabled);
      const bool named = options_.named.empty() ? !disabled : options_.named.contains(container.service);
      const bool goes = orphan ? options_.remove_orphans : named;
      (goes ? going_ : staying_).push_back(container);
      if (!orphan && disabled && options_.named.empty()) warn_of_profile(container, *disabled);
    }
    warn_of_oneoffs();
  }

  // Docker Compose leaves these running without a message.
  void warn_of_profile(const engine::Container& container, const compose::Service& service) {
    if (service.profiles.empty()) return;
    plan_.warnings.push_back("Container " + container.name + " is kept, because the profile of service \"" +
                             container.service + "\" is not active: `consort --profile " + service.profiles.front() +
                             " down` removes it");
  }

  // A container started by `run` belongs to a user at another terminal, and keeps the networks that it uses.
  void warn_of_oneoffs() {
    std::vector<std::string> names;
    for (const engine::Container& container : staying_)
      if (container.oneoff && options_.named.empty()) names.push_back(container.name);
    if (names.empty()) return;
    plan_.warnings.push_back("Containers of `run` are kept, with everything they use: " + join(names, ", ") +
                             ". `consort down --remove-orphans` removes them");
  }

  // Dependents first. The labels' graph includes services that are no longer in the file, and the file's graph those
  // without containers.
  void containers() {
    ServiceGraph graph = ServiceGraph::of(going_);
    if (project_)
      for (const auto& [name, service] : project_->services)
        if (service.provider) graph.add(name, service.depends_on);
    std::vector<std::string> order = graph.order();
    std::ranges::reverse(order);
    std::map<std::string, Needs> stopped;
    for (const std::string& service : order) {
      Needs needs;
      for (const std::string& dependent : graph.dependents(service))
        needs.insert(needs.end(), stopped[dependent].begin(), stopped[dependent].end());
      for (const engine::Container& container : going_)
        if (container.service == service) stopped[service].push_back(take_down(container, needs));
      if (const compose::Service* provided = provided_service(service)) {
        Operation down = provider_operation(ProviderCommand::down, *provided);
        down.needs = needs;
        stopped[service].push_back(plan_.add(std::move(down)));
      }
      if (stopped[service].empty()) stopped[service] = needs;
    }
  }

  // Failed hooks of a service that never started were kept for inspection; `down` removes them.
  void hooks() {
    for (const engine::Container& hook : observed_.hooks)
      if (options_.named.empty() || options_.named.contains(hook.service)) {
        Operation remove = remove_operation(hook, {.anonymous_volumes = true});
        if (hook.state.running()) remove.needs = {add_stop(plan_, hook, {}, {})};
        removed_.push_back(plan_.add(std::move(remove)));
      }
  }

  // Null if it is a service with containers, or if it stays.
  const compose::Service* provided_service(const std::string& name) const {
    if (!project_ || (!options_.named.empty() && !options_.named.contains(name))) return nullptr;
    const auto found = project_->services.find(name);
    return found == project_->services.end() || !found->second.provider ? nullptr : &found->second;
  }

  OperationId take_down(const engine::Container& container, Needs needs) {
    const OperationId stopped = add_stop(plan_, container, options_.stop, std::move(needs));
    Operation remove = remove_operation(container, {.anonymous_volumes = options_.volumes});
    remove.needs = {stopped};
    removed_.push_back(plan_.add(std::move(remove)));
    return stopped;
  }

  bool is_ours(const engine::StringMap& labels) const { return label_of(labels, label::project) == name_; }

  void networks() {
    for (const engine::Network& network : observed_.networks) {
      if (!is_ours(network.spec.labels)) continue;
      const bool busy = std::ranges::any_of(staying_, [&](const engine::Container& container) {
        return std::ranges::any_of(container.networks, [&](const engine::Endpoint& endpoint) {
          return endpoint.network == network.spec.name && container.state.running();
        });
      });
      Operation operation;
      operation.action = busy ? Action(Keep{.in_use = true}) : Action(RemoveNetwork{});
      operation.target = network.spec.name;
      operation.object_id = network.id;
      operation.shown = "Network " + network.spec.name;
      operation.before = "Removing";
      operation.after = busy ? std::string(still_in_use) : "Removed";
      operation.needs = removed_;
      plan_.add(std::move(operation));
    }
  }

  void volumes() {
    for (const engine::Volume& volume : observed_.volumes) {
      const bool declared = volume.anonymous ? is_left_over(volume)
                            : project_       ? declares(volume.spec.name)
                                             : is_ours(volume.spec.labels);
      if (!declared) continue;
      const bool busy = std::ranges::any_of(staying_, [&](const engine::Container& container) {
        return std::ranges::any_of(container.mounts,
                                   [&](const engine::MountPoint& mount) { return mount.name == volume.spec.name; });
      });
      Operation operation;
      operation.action = busy ? Action(Keep{.in_use = true}) : Action(RemoveVolume{});
      operation.target = volume.spec.name;
      operation.shown = "Volume " + volume.spec.name;
      operation.before = busy ? "" : "Removing";
      operation.after = busy ? std::string(still_in_use) : "Removed";
      operation.needs = removed_;
      plan_.add(std::move(operation));
    }
  }

  // Anonymous volumes are removed with their containers. One without a container was kept by an earlier `down`.
  bool is_left_over(const engine::Volume& volume) const {
    return is_ours(volume.spec.labels) && std::ranges::none_of(observed_.containers, [&](const auto& container) {
             return std::ranges::any_of(
                 container.mounts, [&](const engine::MountPoint& mount) { return mount.name == volume.spec.name; });
           });
  }

  // By its name in the file, regardless of its labels; external ones are not ours.
  bool declares(const std::string& name) const {
    return std::ranges::any_of(project_->volumes,
                               [&](const auto& entry) { return !entry.second.external && entry.second.name == name; });
  }

  void images() {
    std::set<std::string> names;
    if (project_) {
      for (const auto& [name, service] : project_->services)
        if (!service.provider && (options_.images == RemoveImages::all || service.image.empty()))
          names.insert(image_name(*project_, service));
    } else if (options_.images == RemoveImages::all) {
      for (const engine::Container& container : going_) names.insert(container.image);
    } else {
      for (const engine::Container& container : going_)
        if (container.image == name_ + "-" + container.service) names.insert(container.image);
    }
    for (const std::string& image : names) {
      Operation operation;
      operation.action = RemoveImage{};
      operation.target = image;
      operation.shown = "Image " + (image.find(':') == std::string::npos ? image + ":latest" : image);
      operation.before = "Removing";
      operation.after = "Removed";
      operation.needs = removed_;
      plan_.add(std::move(operation));
    }
  }

  const std::string& name_;
  const compose::Project* project_;
  const Observed& observed_;
  const DownOptions& options_;
  Containers going_, staying_;
  Needs removed_;
  Plan plan_;
};

}  // namespace

Plan plan_down(const std::string& project_name, const compose::Project* project, const Observed& observed,
               const DownOptions& options) {
  return Downer(project_name, project, observed, options).run();
}

}  // namespace consort::project
