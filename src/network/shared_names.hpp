// Names across projects: a network that several projects use (external: true) has a directory run/networks/NETWORK_ID
// in which each supervisor keeps one small file with its containers' names; the others watch the directory by inotify.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "network/dns.hpp"

namespace consort {

class SharedNames {
 public:
  // Takes over what a predecessor of this project has published. on_change is called from the loop after other
  // projects' records changed.
  static Result<std::unique_ptr<SharedNames>> create(EventLoop& loop, std::string run_root, std::string project,
                                                     std::function<void()> on_change);
  ~SharedNames();

  // This project's records replace what it published before, network by network; a network that no longer occurs is
  // left and no longer watched.
  Result<> publish(const std::vector<NameRecord>& own);
  // What the other projects published on the networks that we publish on.
  const std::vector<NameRecord>& others() const;

  struct Impl;

 private:
  explicit SharedNames(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Removes what supervisors that were killed have published and nobody takes over: on networks that do not exist any
// more, and of projects without a supervisor. claim: what keeps one from being started meanwhile (nothing need be held
// if none can be); nullopt if there is one, or should be. Cheap where nothing runs: one listing.
void sweep_shared_names(const std::string& run_root, const std::function<bool(const std::string& network_id)>& exists,
                        const std::function<std::optional<Fd>(const std::string& project)>& claim);

}  // namespace consort
