// The containers of each service: keeps, recreates, removes and creates them.
#include <algorithm>

#include "project/desired/desired.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/converger.hpp"
#include "project/plan/operations.hpp"

namespace consort::project {

namespace {

void append(std::vector<OperationId>& to, const std::vector<OperationId>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// Anonymous volumes of the old container move to the new one, unless the file now specifies something else for their
// targets.
void inherit_volumes(const engine::Container& old, engine::ContainerSpec& spec) {
  for (const engine::MountPoint& point : old.mounts) {
    if (point.type != engine::MountType::volume || !point.anonymous) continue;
    const auto same = std::ranges::find(spec.mounts, point.target, &engine::MountSpec::target);
    if (same == spec.mounts.end()) {
      engine::MountSpec mount;
      mount.source = point.name;
      mount.target = point.target;
      mount.read_only = point.read_only;
      spec.mounts.push_back(std::move(mount));
    } else if (same->type == engine::MountType::volume && same->source.empty()) {
      same->source = point.name;
    }
  }
}

}  // namespace

std::vector<const engine::Container*> Converger::containers_of(const std::string& service) const {
  std::vector<const engine::Container*> result;
  for (const engine::Container& container : observed_.containers)
    if (container.service == service && !container.oneoff && !gone_.contains(container.id))
      result.push_back(&container);
  return result;
}

Converger::Needs Converger::needs_of(const compose::Service& service) const {
  Needs needs;
  const auto add = [&needs](const std::map<std::string, Needs>& ready, const std::string& key) {
    if (const auto found = ready.find(key); found != ready.end()) append(needs, found->second);
  };
  if (service.network_mode.empty()) {
    for (const auto& [key, attachment] : service.networks) add(network_ready_, key);
    if (service.networks.empty()) add(network_ready_, "default");
  }
  for (const compose::Mount& mount : service.volumes)
    if (mount.type == compose::MountType::volume) add(volume_ready_, mount.source);
  for (const auto& [dependency, how] : service.depends_on)
    if (const auto found = replicas_.find(dependency); found != replicas_.end())
      for (const Replica& replica : found->second) append(needs, replica.made);
  return needs;
}

std::optional<std::string> Converger::reason_to_recreate(const compose::Service& service,
                                                         const engine::Container& container) const {
  const bool named = options_.named.empty() || options_.named.contains(service.name);
  const Recreate policy = named ? options_.recreate : options_.recreate_dependencies;
  if (policy == Recreate::never) return std::nullopt;
  if (policy == Recreate::always) return "forced";
  if (options_.renew_anonymous_volumes && named) return "anonymous volumes are renewed";
  for (const std::string* mode : {&service.network_mode, &service.pid, &service.ipc})
    if (mode->starts_with("service:") && recreated_.contains(mode->substr(8)))
      return "shares a namespace with " + mode->substr(8) + ", which is recreated";
  for (const std::string& from : service.volumes_from)
    if (const std::string lender = from.substr(0, from.find(':')); recreated_.contains(lender))
      return "has volumes of " + lender + ", which is recreated";
  if (auto why = divergence(project_, service, container, observed_, options_.provided)) return why;
  // A container that is moved to other networks will be connected to the missing ones.
  if (moves_.contains(container.id)) return std::nullopt;
  return missing_network(project_, service, container, observed_);
}

ReplicaOptions Converger::replica_options(const compose::Service& service, unsigned number) const {
  ReplicaOptions replica{.number = number, .separator = options_.separator, .env_files = options_.env_files};
  if (const auto image = observed_.images.find(image_key(project_, service)); image != observed_.images.end())
    replica.image_id = image->second;
  if (const auto provided = options_.provided.find(service.name); provided != options_.provided.end())
    replica.provided = &provided->second;
  return replica;
}

Result<std::shared_ptr<engine::ContainerSpec>> Converger::spec_of(const compose::Service& service,
                                                                  unsigned number) const {
  return std::make_shared<engine::ContainerSpec>(
      TRY(container_spec(project_, service, replica_options(service, number))));
}

// If it shares namespaces or volumes with another service, that one must have a container: `--no-deps` does not create
// it.
Result<> Converger::check_partners(const compose::Service& service) const {
  const auto check = [&](const std::string& partner, const char* shared, const char* attribute) -> Result<> {
    if (replicas_.contains(partner) || !containers_of(partner).empty()) return {};
    return fail(Error(Code::not_found,
                      std::string("cannot share ") + shared + " with service " + partner + ": container missing")
                    .hint("create it with `consort up -d " + partner + "`, or leave out --no-deps")
                    .at(project_.locate({"services", service.name, attribute})));
  };
  const auto partner_of = [](const std::string& mode) {
    return mode.starts_with("service:") ? mode.substr(8) : std::string();
  };
  if (const std::string partner = partner_of(service.network_mode); !partner.empty())
    TRY(check(partner, "network namespace", "network_mode"));
  if (const std::string partner = partner_of(service.pid); !partner.empty())
    TRY(check(partner, "PID namespace", "pid"));
  if (const std::string partner = partner_of(service.ipc); !partner.empty())
    TRY(check(partner, "IPC namespace", "ipc"));
  for (const std::string& from : service.volumes_from)
    if (!from.starts_with("container:")) TRY(check(from.substr(0, from.find(':')), "volume", "volumes_from"));
  return {};
}

// In Docker's words. Checked before anything is created, because the engine would detect it only when half of the
// project exists.
Result<> Converger::check_name(const compose::Service& service) const {
  const auto taken = observed_.taken_names.find(service.container_name);
  if (service.container_name.empty() || taken == observed_.taken_names.end()) return {};
  const engine::Container& other = taken->second;
  const std::string owner = other.project.empty() ? "" : " of project " + other.project;
  return fail(Error(Code::conflict, "Conflict. The container name \"/" + other.name +
                                        "\" is already in use by container \"" + other.id +
                                        "\". You have to remove (or rename) that container to be able to reuse that "
                                        "name.")
                  .about(Subject::container_name, other.name)
                  .hint("it is a container" + owner +
                        (other.project.empty() ? "" : "; `consort -p " + other.project + " down` removes it"))
                  .at(project_.locate({"services", service.name, "container_name"})));
}

Result<> Converger::service(const compose::Service& service) {
  if (service.provider) return remove_replaced(service);
  TRY(check_partners(service));
  TRY(check_name(service));
  const unsigned wanted = TRY(desired_replicas(service, {.scale = options_.scale}));
  const Needs needs = needs_of(service);
  std::vector<const engine::Container*> there = containers_of(service.name);
  // Containers to be removed come last: obsolete ones, then the highest numbers.
  std::ranges::stable_sort(there, [&](const engine::Container* a, const engine::Container* b) {
    const bool a_obsolete = reason_to_recreate(service, *a).has_value();
    const bool b_obsolete = reason_to_recreate(service, *b).has_value();
    return a_obsolete != b_obsolete ? b_obsolete : a->number < b->number;
  });
  unsigned highest = 0;
  for (const engine::Container* container : there) highest = std::max(highest, container->number);
  std::vector<const engine::Container*> surplus;
  while (there.size() > wanted) {
    surplus.push_back(there.back());
    there.pop_back();
  }
  std::ranges::sort(there, {}, &engine::Container::number);
  Needs removed;
  for (const engine::Container* container : surplus) {
    Operation remove = remove_operation(*container);
    remove.cause = "more replicas than wanted";
    remove.needs = {stop_once(*container, {})};
    removed.push_back(plan_.add(std::move(remove)));
    gone_.insert(container->id);
  }
  for (const engine::Container* container : there) {
    Needs before = needs;
    // The name may become free only when the surplus containers are gone.
    append(before, removed);
    TRY(converge_existing(service, *container, std::move(before)));
  }
  for (std::size_t have = there.size(); have < wanted; ++have) TRY(create(service, ++highest, needs));
  return {};
}

// Containers from a time when the service had containers.
Result<> Converger::remove_replaced(const compose::Service& service) {
  for (const engine::Container* container : containers_of(service.name)) {
    Operation remove = remove_operation(*container);
    remove.cause = "a provider runs its service now";
    remove.needs = {stop_once(*container, {})};
    plan_.add(std::move(remove));
    gone_.insert(container->id);
  }
  return {};
}

void Converger::warn_of_lacks(const compose::Service& service) {
  if (options_.provided.contains(service.name) || !lacks_provider(project_, service)) return;
  plan_.warnings.push_back("service \"" + service.name +
                           "\" gets no variables from its providers, because --no-deps does not run them");
}

Result<> Converger::converge_existing(const compose::Service& service, const engine::Container& container,
                                      Needs needs) {
  if (const auto cause = reason_to_recreate(service, container)) {
    const std::string where = service.mark.line == 0 ? "" : " (line " + std::to_string(service.mark.line) + ")";
    return recreate(service, container, *cause + where, std::move(needs));
  }
  return keep(service, container, std::move(needs));
}

Result<> Converger::keep(const compose::Service& service, const engine::Container& container, Needs needs) {
  const std::string name = container_name(project_, service, container.number, options_.separator);
  const bool stopped = stopped_.contains(container.id);
  Replica replica{name, service.name, container.number, &container, container.state.started() && !stopped, {}, {}};
  if (stopped) replica.made = {stopped_.at(container.id)};
  const bool moves = moves_.contains(container.id);
  append(replica.made, moves ? connect_moved(container) : TRY(connect_missing(service, container)));
  if (container.name != name) {  // a recreation was interrupted before its last step
    Operation rename = on_container(RenameContainer{name}, container);
    rename.cause = "an earlier recreation was interrupted";
    rename.needs = std::move(needs);
    replica.made.push_back(plan_.add(std::move(rename)));
  } else if (replica.running) {
    Operation same = on_container(Keep{}, container);
    same.after = "Running";
    same.cause = "up to date";
    plan_.add(std::move(same));
  }
  replicas_[service.name].push_back(std::move(replica));
  return {};
}

Converger::Needs Converger::stop_dependents(const std::string& service, OperationId after) {
  Needs stopped;
  for (const std::string& name : graph_.dependents(service)) {
    if (!graph_.dependencies(name).at(service).restart) continue;
    for (const engine::Container* container : containers_of(name))
      if (container->state.running()) stopped.push_back(stop_once(*container, {after}));
  }
  return stopped;
}

Result<> Converger::recreate(const compose::Service& service, const engine::Container& old, const std::string& cause,
                             Needs needs) {
  auto spec = TRY(spec_of(service, old.number));
  warn_of_lacks(service);
  const std::string name = spec->name;
  const std::string object = container_object(old.name);
  if (!options_.renew_anonymous_volumes) inherit_volumes(old, *spec);
  spec->labels[label::replace] =
      service.container_name.empty() ? service.name + "-" + std::to_string(old.number) : service.container_name;
  spec->name = old.id.substr(0, 12) + "_" + name;

  Operation make;
  make.target = spec->name;
  make.service = service.name;
  make.number = old.number;
  make.cause = cause;
  make.shown = object;
  make.before = "Recreate";
  make.object_id = old.id;  // the container that it replaces
  make.action = CreateContainer{std::move(spec)};
  make.needs = std::move(needs);
  const OperationId made = plan_.add(std::move(make));
  recreated_.insert(service.name);

  Needs stopped = stop_dependents(service.name, made);
  if (old.state.running()) {
    const bool early = stopped_.contains(old.id);
    const OperationId stop = stop_once(old, [&] {
      Needs before = stopped;
      before.push_back(made);
      return before;
    }());
    if (!early) plan_.at(stop).shown.clear();
    stopped.push_back(stop);
  }
  stopped.push_back(made);
  Operation remove = on_container(RemoveContainer{}, old);
  remove.cause = "replaced";
  remove.shown.clear();
  remove.needs = std::move(stopped);
  const OperationId removed = plan_.add(std::move(remove));
  gone_.insert(old.id);

  Operation rename;
  rename.action = RenameContainer{name};
  rename.target = old.id.substr(0, 12) + "_" + name;
  rename.service = service.name;
  rename.number = old.number;
  rename.shown = object;
  rename.after = "Recreated";
  rename.needs = {removed};
  const OperationId renamed = plan_.add(std::move(rename));
  replicas_[service.name].push_back(Replica{name, service.name, old.number, nullptr, false, {renamed}, {}});
  return {};
}

Result<> Converger::create(const compose::Service& service, unsigned number, Needs needs) {
  auto spec = TRY(spec_of(service, number));
  warn_of_lacks(service);
  Operation make;
  make.target = spec->name;
  make.action = CreateContainer{std::move(spec)};
  make.service = service.name;
  make.number = number;
  make.cause = "no container for this replica";
  make.shown = container_object(make.target);
  make.before = "Creating";
  make.after = "Created";
  make.needs = std::move(needs);
  const std::string name = make.target;
  const OperationId made = plan_.add(std::move(make));
  replicas_[service.name].push_back(Replica{name, service.name, number, nullptr, false, {made}, {}});
  return {};
}

}  // namespace consort::project
