// What crashes have left behind: found by comparing what is on disk and in the kernel with the records.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/os/file.hpp"
#include "base/os/temporary.hpp"
#include "base/strings.hpp"
#include "engine/engine_impl.hpp"
#include "network/bridge.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Strings names_in(const std::string& folder) {
  Strings names;
  const std::unique_ptr<DIR, DirCloser> stream(::opendir(folder.c_str()));
  if (!stream) return names;
  while (const dirent* entry = ::readdir(stream.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  return names;
}

void collect(Result<>& all, Result<> one) {
  if (one) return;
  if (all) {
    all = std::move(one);
  } else {
    all = fail(std::move(all).error().also(std::move(one).error()));
  }
}

}  // namespace

Result<> Engine::sweep() {
  const std::string containers = impl_->roots.data + "/containers";
  TRY(make_directories(containers, 0700));
  const Fd guard = TRY(open_file(containers, O_RDONLY | O_DIRECTORY));
  // Somebody is making something: what looks orphaned may be theirs. Another time.
  if (::flock(guard.get(), LOCK_EX | LOCK_NB) != 0) return {};
  Result<> swept;
  const Strings ids = TRY(impl_->records.container_ids());
  const std::set<std::string> known(ids.begin(), ids.end());
  for (const std::string& id : names_in(containers)) {
    if (known.contains(id)) collect(swept, sweep_temporaries(containers + "/" + id));
    if (id.size() != 64 || !is_hex(id) || known.contains(id)) continue;
    impl_->remove_shared_memory(id);
    collect(swept, impl_->store.release("container:" + id));
    collect(swept, remove_tree(containers + "/" + id));
  }
  // Folders of volumes are somebody's data: only those go whose removal had begun.
  for (const std::string& name : names_in(impl_->roots.data + "/volumes")) {
    if (!volume::is_being_removed(impl_->roots, name)) continue;
    const Result<Volume> record = impl_->records.find_volume(name);
    if (!record && record.error().code() == Code::not_found) collect(swept, volume::remove_folder(impl_->roots, name));
  }
  Strings bridges;
  for (const Network& network : TRY(impl_->records.list_networks())) bridges.push_back(network.bridge);
  if (auto gone = sweep_host(impl_->roots.data, bridges); !gone) collect(swept, fail(std::move(gone).error()));
  return swept;
}

}  // namespace consort::engine
