// Decides when a group of changes is complete. Pure: the caller passes the time. A single save should be handled at
// once, a checkout of ten thousand files should cause one reaction, so the required quiet time depends on the number of
// changes.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace consort::project {

class ChangeBatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  void settled(const std::string& path, Time now);
  // The file is being written: it waits for settled(), or until the writer has paused or taken too long.
  void writing(const std::string& path, Time now);

  // When to call take(); nullopt: nothing has changed.
  std::optional<Time> due() const;
  // The changes, sorted and unique; empty: not yet.
  std::vector<std::string> take(Time now);

 private:
  struct Writing {
    Time first, last;
    Time ripe() const;
  };
  Time quiet_at() const;

  std::set<std::string> settled_;
  Time first_{}, last_{};  // for settled_
  std::map<std::string, Writing> writing_;
};

}  // namespace consort::project
