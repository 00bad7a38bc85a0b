// Names across projects: a network that several projects use (external: true) has a folder run/networks/NETWORK_ID in
// which each supervisor keeps one small file with its containers' names; the others watch the folder by inotify.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/os/event_loop.hpp"
#include "network/dns.hpp"

namespace consort {

class SharedNames {
 public:
  // on_change is called from the loop after other projects' records changed.
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

}  // namespace consort
