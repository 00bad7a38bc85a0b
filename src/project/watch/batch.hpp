// When a group of changes is complete. Pure: it is told the time. A save is to be there at once, and a checkout of ten
// thousand files is to cost one reaction; so how long it must have been quiet depends on how much has come.
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
  // Somebody writes the file: it waits for settled(), or until he has paused or gone on for long.
  void writing(const std::string& path, Time now);

  // When to ask next; nullopt: nothing has changed.
  std::optional<Time> due() const;
  // The changes, sorted, each once; empty: not yet.
  std::vector<std::string> take(Time now);

 private:
  struct Writing {
    Time first, last;
    Time ripe() const;
  };
  Time quiet_at() const;

  std::set<std::string> settled_;
  Time first_{}, last_{};  // of settled_
  std::map<std::string, Writing> writing_;
};

}  // namespace consort::project
