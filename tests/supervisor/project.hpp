// A project for a system test: roots in a temporary directory, containers whose root has only the probe, and the real
// programs behind a Client. The destructor shuts everything down.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "supervisor/client.hpp"
#include "temporary_directory.hpp"

namespace consort::supervisor {

class TestProject {
 public:
  TestProject();
  ~TestProject();

  // "" if containers can be started here, else the reason for GTEST_SKIP.
  static std::string why_not();

  // A unit whose container runs `/probe WORDS...` without network; change it before write().
  ContainerUnit unit(const std::vector<std::string>& words);
  // Writes unit.json; returns its path.
  std::string write(const ContainerUnit& unit);
  Result<ObservedContainer> start(const ContainerUnit& unit) { return client().start(write(unit)); }

  const Client& client() const { return client_; }
  const Roots& roots() const { return roots_; }
  const std::string& name() const { return name_; }
  std::string run_directory() const { return roots_.project_run(name_); }
  std::vector<std::string> log(const ContainerUnit& unit) const;
  ObservedContainer state(const ContainerUnit& unit) const;
  // The process object of an exec that runs `/probe WORDS...`.
  std::string process(const std::vector<std::string>& words) const;

  // The PIDs of this project's own programs; 0 if there are none.
  pid_t supervisor() const { return last_of(supervisors()); }
  pid_t keeper() const { return last_of(keepers()); }
  std::vector<pid_t> supervisors() const { return find_program("consort-supervisor"); }
  std::vector<pid_t> keepers() const { return find_program("consort-keeper"); }

 private:
  static pid_t last_of(const std::vector<pid_t>& pids) { return pids.empty() ? 0 : pids.back(); }
  std::vector<pid_t> find_program(const std::string& name) const;
  TemporaryDirectory directory_;
  Roots roots_;
  std::string name_;
  Client client_;
};

// Kills the project's keeper and supervisor, and waits until nothing manages it. False: there were none.
bool kill_both(const TestProject& project);
bool has_ended(pid_t pid);  // true also for a zombie: the process that inherits orphans may never reap them

// Retries until the check is true or the limit has passed. For changes without an event to wait for.
bool eventually(const std::function<bool()>& check, std::chrono::milliseconds limit = std::chrono::minutes(1));

}  // namespace consort::supervisor
