// A bundle in a temporary directory with the probe as its only program. Runs it to completion and checks what it left
// behind.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup.hpp"
#include "runtime/defaults.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct Outcome {
  int code = -1;
  bool oom_killed = false;
  std::string out;
  std::string err;
};

class Sandbox {
 public:
  Sandbox();   // does not skip the test: see why_not()
  ~Sandbox();  // removes the directory
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // "" if containers can be started here, else the reason for GTEST_SKIP.
  static std::string why_not();

  const std::string& directory() const { return directory_; }
  const std::string& id() const { return id_; }
  std::string lower() const { return directory_ + "/lower"; }
  std::string upper() const { return directory_ + "/upper"; }
  void write(const std::string& path, const std::string& text, int mode = 0644);  // below lower()

  // A spec with Docker's defaults (namespaces, mounts, capabilities, masked paths) that runs /probe with the words.
  Spec spec(std::vector<std::string> words) const;
  LaunchOptions options() const;

  // Starts it, collects both streams, and waits. A failed start is an error.
  Result<Outcome> run(const Spec& spec) { return run(spec, options()); }
  Result<Outcome> run(const Spec& spec, LaunchOptions options);
  Result<Outcome> run_words(std::vector<std::string> words) { return run(spec(std::move(words))); }

 private:
  std::string directory_;
  std::string id_;
};

// A container that keeps running; the destructor kills it and cleans up.
class Running {
 public:
  static Result<Running> start(Sandbox& sandbox, const Spec& spec, LaunchOptions options);
  Running(Running&&) = default;
  ~Running();
  pid_t pid() const { return child_.pid(); }
  int pidfd() const { return pidfd_.get(); }
  int console() const { return console_.get(); }
  const std::string& cgroup_path() const { return cgroup_path_; }
  Result<std::string> read_line();  // from its standard output
  Result<ExitStatus> wait() { return child_.wait(); }

 private:
  Running() = default;
  ChildGuard child_;
  Fd pidfd_, console_, out_;
  std::string cgroup_path_;
};

// What a test compares before and after: mounts and cgroups of its own sandboxes on the host, identified by
// CONSORT_TEST_TAG in the environment, else by the process ID.
std::string host_traces();

}  // namespace consort::runtime
