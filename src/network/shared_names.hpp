// Names across projects: a network that several projects use (external: true) has a directory run/networks/NETWORK_ID
// in which each supervisor keeps a small file with its containers' names. The others watch the directory with inotify.
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
  // Takes over the files that this project's previous supervisor published. on_change is called from the loop after
  // other projects' records have changed.
  static Result<std::unique_ptr<SharedNames>> create(EventLoop& loop, std::string run_root, std::string project,
                                                     std::function<void()> on_change);
  ~SharedNames();

  // Replaces this project's published records, network by network. Networks without records are left and no longer
  // watched.
  Result<> publish(const std::vector<NameRecord>& own);
  // The other projects' records on the networks that this project publishes on.
  const std::vector<NameRecord>& others() const;

  struct Impl;

 private:
  explicit SharedNames(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Removes what killed supervisors published and nobody takes over: on networks that no longer exist, and of projects
// without a supervisor. claim: prevents a supervisor from being started meanwhile (the Fd may be empty if none can be);
// nullopt if there is one, or should be. Cheap if nothing runs: one directory listing.
void sweep_shared_names(const std::string& run_root, const std::function<bool(const std::string& network_id)>& exists,
                        const std::function<std::optional<Fd>(const std::string& project)>& claim);

}  // namespace consort
