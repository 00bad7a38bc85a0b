#include "engine/engine_impl.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/trees/spread.hpp"
#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

void fill_addresses(Container& container, const supervisor::ObservedContainer& observed) {
  for (Endpoint& endpoint : container.networks) {
    const auto found =
        std::ranges::find(observed.addresses, endpoint.network_id, &supervisor::EndpointAddress::network_id);
    if (found == observed.addresses.end()) continue;
    endpoint.ipv4 = found->ipv4;
    endpoint.ipv6 = found->ipv6;
    endpoint.gateway4 = found->gateway4;
    endpoint.gateway6 = found->gateway6;
    endpoint.mac_address = found->mac;
  }
}

}  // namespace

bool matches_labels(const StringMap& labels, const StringMap& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& entry) {
    const auto found = labels.find(entry.first);
    return found != labels.end() && (entry.second.empty() || found->second == entry.second);
  });
}

std::uint64_t capabilities_of(const ContainerSpec& spec) {
  if (spec.privileged) return runtime::all_capabilities();
  // Unknown names were refused when the container was created.
  return runtime::apply_capability_changes(runtime::default_capabilities, spec.cap_add, spec.cap_drop)
      .value_or(runtime::default_capabilities);
}

const HostInfo& Engine::Impl::host() {
  std::call_once(host_once_, [this] { host_ = read_host(); });
  return host_;
}

Result<std::shared_ptr<const Engine::Impl::ImageFacts>> Engine::Impl::image_facts(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = images_.find(text); known != images_.end()) return known->second;
  auto facts = std::make_shared<ImageFacts>();
  facts->image = TRY(store.find(text));
  if (const auto known = images_.find(facts->image.id); known != images_.end()) return known->second;
  facts->config = TRY(store.config_of(facts->image));
  facts->layers = TRY(store.layer_paths(facts->image));
  // By id only: a name may move to another image while this program runs.
  images_[facts->image.id] = facts;
  return facts;
}

Result<Fd> Engine::Impl::lock_container(const std::string& id, int cancel_fd) const {
  const std::string directory = container_directory(id);
  Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(fd.get(), directory, {.cancel_fd = cancel_fd}));
  // Removed while we waited: what we locked is a directory without a name.
  if (!path_exists(directory)) return fail(Error(Code::not_found, "No such container: " + id));
  return fd;
}

bool Engine::Impl::is_locked(const std::string& id) const {
  const Result<Fd> fd = open_file(container_directory(id), O_RDONLY | O_DIRECTORY);
  return fd && ::flock(fd->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<Fd> Engine::Impl::guard_creations() const {
  TRY(make_directories(roots.data + "/containers", 0700));
  TRY(Trash(roots.data + "/containers").prepare());
  Fd fd = TRY(open_file(roots.data + "/containers", O_RDONLY | O_DIRECTORY));
  spread_subdirectories(fd.get());
  TRY(lock_shared(fd.get(), roots.data + "/containers"));
  return fd;
}

Result<ContainerRecord> Engine::Impl::load(const std::string& id_or_name) {
  return records.load_container(TRY(records.find_container(id_or_name)));
}

Result<ContainerState> Engine::Impl::observe(const std::string& project, const std::string& id) const {
  // Without a file in the run directory it has not been started since the machine booted: there is nobody to ask.
  if (!path_exists(supervisor::run_state_path(roots.project_run(project), id)) &&
      !path_exists(container_directory(id) + "/state.json"))
    return ContainerState{};
  const std::vector<std::string> ids{id};
  auto states = TRY(supervisor::observe(roots, project, ids, patience));
  const auto found = states.find(id);
  return found == states.end() ? ContainerState{} : ContainerState(std::move(found->second));
}

bool Engine::Impl::is_alive(const std::string& project, const std::string& id) const {
  const std::string path = supervisor::run_state_path(roots.project_run(project), id);
  const Result<std::string> text = read_file(path, 32 << 20);  // with the address of every port that it has
  if (!text) return false;
  const Result<supervisor::ObservedContainer> state = supervisor::state_from_json(*text, path);
  if (!state || !state->has_process() || state->pid <= 0) return false;
  const Result<std::uint64_t> started = process_start_time(state->pid);
  return started && *started == state->pid_started;
}

Result<> Engine::Impl::join_states(std::vector<Container>& containers) const {
  std::map<std::string, std::vector<std::string>> by_project;
  for (const Container& container : containers) by_project[container.project].push_back(container.id);
  std::map<std::string, supervisor::ObservedContainer> states;
  for (const auto& [project, ids] : by_project) states.merge(TRY(supervisor::observe(roots, project, ids, patience)));
  for (Container& container : containers) {
    // A lease is the engine's record, an address is what the container has now.
    for (Endpoint& endpoint : container.networks) endpoint.ipv4 = endpoint.ipv6 = "";
    const auto found = states.find(container.id);
    if (found == states.end()) continue;
    container.state = found->second;  // of what is observed, the state alone
    if (container.state.running()) fill_addresses(container, found->second);
  }
  return {};
}

Result<int> Engine::Impl::running_pid(const std::string& id_or_name) {
  const ContainerRecord record = TRY(load(id_or_name));
  const ContainerState state = TRY(observe(record.summary.project, record.summary.id));
  if (state.pid > 0 && state.has_process()) return state.pid;
  return fail(Error(Code::conflict, "container " + record.summary.id + " is not running"));
}

}  // namespace consort::engine
