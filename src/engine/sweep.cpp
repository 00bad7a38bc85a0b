// What crashes have left behind: found by comparing the disk and the kernel with the records.
#include <fcntl.h>
#include <sys/file.h>

#include <set>

#include "base/os/files/file.hpp"
#include "base/os/files/temporary.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "build/turns.hpp"
#include "engine/engine_impl.hpp"
#include "network/bridge.hpp"
#include "network/sandbox.hpp"
#include "network/shared_names.hpp"
#include "runtime/cgroup_sweep.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

void collect(Result<>& all, Result<> one) {
  if (one) return;
  if (all) {
    all = std::move(one);
  } else {
    all = fail(std::move(all).error().also(std::move(one).error()));
  }
}

}  // namespace

Result<> Engine::Impl::sweep_containers() {
  const std::string directory = roots.data + "/containers";
  const Trash trash(directory);
  Fd guard = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  // Somebody is creating something: what looks orphaned may be theirs. Try another time.
  if (::flock(guard.get(), LOCK_EX | LOCK_NB) != 0) return {};
  Result<> swept;
  std::vector<Trash::Item> orphans;
  const Strings ids = TRY(records.container_ids());
  const std::set<std::string> known(ids.begin(), ids.end());
  for (const std::string& id : TRY(list_directory(directory))) {
    if (id.size() != 64 || !is_hex(id) || known.contains(id)) continue;
    remove_shared_memory(id);
    collect(swept, store.release("container:" + id));
    Result<Trash::Item> item = trash.take(container_directory(id));
    if (item)
      orphans.push_back(std::move(*item));
    else
      collect(swept, fail(std::move(item).error()));
  }
  // Cgroups of recorded containers are used again, or removed with them.
  runtime::sweep_cgroups("/consort", [&](const std::string& name) { return known.contains(name); });
  // Nobody can create anything until here. Deleting takes as long as there are files, and needs no guard.
  guard.reset();
  for (Trash::Item& item : orphans) collect(swept, trash.remove(std::move(item)));
  collect(swept, trash.sweep());
  return swept;
}

void Engine::Impl::sweep_names() {
  std::optional<std::set<std::string>> networks;  // asked for only when somebody has published names
  sweep_shared_names(
      roots.run,
      [&](const std::string& id) {
        if (!networks) {
          const auto listed = records.list_networks();
          if (!listed) return true;
          networks.emplace();
          for (const Network& network : *listed) networks->insert(network.id);
        }
        return networks->contains(id);
      },
      [&](const std::string& project) { return supervisor::claim_abandoned(roots, project); });
}

// Cheap if there is nothing to do: a few listings and one query.
Result<> Engine::Impl::sweep_abandoned() {
  TRY(make_directories(roots.data + "/containers", 0700));
  Result<> swept = sweep_containers();
  collect(swept, settle_volumes());
  collect(swept, store.sweep_abandoned());
  collect(swept, place.run([this] { return sweep_build_sandboxes(roots.run); }));
  collect(swept, build::sweep_turns(roots.run));
  sweep_names();
  sweep_project_directories();
  return swept;
}

Result<> Engine::sweep() {
  Result<> swept = impl_->sweep_abandoned();
  for (const std::string& id : TRY(impl_->records.container_ids()))
    if (path_exists(impl_->container_directory(id))) collect(swept, sweep_temporaries(impl_->container_directory(id)));
  // Directories of volumes hold somebody's data: without a record, only empty ones are removed.
  for (const std::string& name : volume::all_directories(impl_->roots)) {
    const Fd lock = TRY(volume::lock_volumes(impl_->roots));
    if (TRY(impl_->is_recorded(name)) == volume::Recorded::no)
      collect(swept, volume::sweep_unrecorded(impl_->roots, name));
  }
  Strings bridges;
  for (const Network& network : TRY(impl_->records.list_networks())) bridges.push_back(network.bridge);
  if (auto gone = impl_->place.run([&] { return sweep_host(impl_->roots.data, bridges); }); !gone)
    collect(swept, fail(std::move(gone).error()));
  return swept;
}

}  // namespace consort::engine
