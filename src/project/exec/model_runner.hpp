// Provides the `models:` of a file through Docker's model runner and its plugin `docker-model`.
#pragma once

#include <functional>
#include <string>

#include "project/exec/foreign_program.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

class ModelRunner {
 public:
  // Code::unsupported if the plugin is missing. Both are borrowed.
  static Result<ModelRunner> find(const compose::StringMap& environment, const std::string& directory);

  // Queries its endpoint and the models it has.
  Result<ModelRunnerState> look(const Cancellation& cancel) const;

  struct Listener {
    std::function<void(const std::string& status)> status;  // "Pulling"
    std::function<void(const std::string& text)> warn;
  };
  Result<> prepare(const PrepareModel& wanted, const Listener& listener, const Cancellation& cancel) const;

 private:
  ModelRunner(std::string path, const compose::StringMap& environment, const std::string& directory)
      : path_(std::move(path)), environment_(environment), directory_(directory) {}
  Result<std::string> ask(std::vector<std::string> arguments, const Cancellation& cancel) const;
  Result<bool> takes_runtime_flags(const Cancellation& cancel) const;

  std::string path_;
  const compose::StringMap& environment_;
  const std::string& directory_;
};

}  // namespace consort::project
