// The processes of `exec`, from the request that creates one to the query of how it ended. They exist as long as the
// server: its successor knows none of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

// Used from any thread.
class ExecInstance {
 public:
  ExecInstance(std::string container, std::string of_project, engine::ExecSpec what, std::string keys)
      : container_id(std::move(container)),
        project(std::move(of_project)),
        spec(std::move(what)),
        detach_keys(std::move(keys)) {}

  const std::string container_id;
  const std::string project;
  const engine::ExecSpec spec;
  const std::string detach_keys;
  bool attach_stdin = false, attach_stdout = false, attach_stderr = false;  // as requested by the client

  // Code::conflict for the second attempt to start it.
  Result<> begin();
  void started(std::shared_ptr<engine::Exec> exec);
  void failed(int exit_code);  // it could not be started
  // Fetches the exit code if it has ended meanwhile, and never waits.
  struct State {
    bool running = false;
    std::optional<int> exit_code;
    int pid = 0;
  };
  State state();
  // Waits for its start, for at most `patience`. Null: not started, or ended.
  std::shared_ptr<engine::Exec> exec(std::chrono::milliseconds patience);
  void end(int exit_code);

 private:
  std::mutex mutex_;
  std::condition_variable decided_;  // it has been started, or never will be
  bool begun_ = false;
  int pid_ = 0;
  std::shared_ptr<engine::Exec> exec_;
  std::optional<int> exit_code_;
};

class ExecTable {
 public:
  static constexpr std::size_t most = 4096;  // if exceeded, the oldest finished ones are forgotten

  std::string add(std::shared_ptr<ExecInstance> instance);  // returns its ID
  // Code::not_found with Docker's text. Accepts a unique prefix of the ID.
  Result<std::shared_ptr<ExecInstance>> find(const std::string& id);
  std::vector<std::string> running_in(const std::string& container_id);

 private:
  void forget_some();

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ExecInstance>, std::less<>> instances_;
  std::vector<std::string> order_;
};

}  // namespace consort::serve
