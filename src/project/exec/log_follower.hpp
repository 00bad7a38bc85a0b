// Follows the logs of several containers of a project and the ends of these containers, in one thread without polling:
// inotify for the log files, the supervisor's stream for the states.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "engine/engine.hpp"
#include "project/exec/log_sink.hpp"

namespace consort::project {

struct FollowOptions {
  engine::LogReadOptions read;  // of containers that were there from the beginning
  // Containers that are made later: whether to follow them. Empty: only those that are added.
  std::function<bool(const engine::Container&)> adopt{};
  // Whose ends run() waits for, of those that are followed. Empty: all.
  std::function<bool(const engine::Container&)> awaited{};
  // A followed container has ended by itself or otherwise; true: that is enough, stop following.
  std::function<bool(const std::string& id, const std::string& name, const engine::ContainerState&)> on_exit{};
};

class LogFollower {
 public:
  static Result<std::unique_ptr<LogFollower>> create(engine::Engine& engine, std::string project, LogSink& sink,
                                                     FollowOptions options);

  // Any thread. `since`: instead of the options' (a container that was just started).
  void add(const engine::Container& container, std::optional<SystemTime> since = {});
  // Any thread: no more containers will be added; run() ends when all those followed have ended and no other command
  // is at work on the project, which may start them again or make new ones.
  void complete();
  void finish();  // any thread: run() ends when it has shown what is there, whoever has ended
  void stop();    // any thread: run() ends soon
  // Any thread: in between, run() does not take the end of containers for the end of everything.
  void hold();
  void release();
  Result<> run();

 private:
  struct Source {
    std::string id, name;
    std::unique_ptr<engine::LogReader> reader;
    int fd = -1;
    bool awaited = true;
    bool ended = false;
    bool joined = false;  // its present state was looked at once
    unsigned restarts = 0;
  };
  LogFollower(engine::Engine& engine, std::string project, LogSink& sink, FollowOptions options, Fd wake)
      : engine_(engine),
        project_(std::move(project)),
        sink_(sink),
        options_(std::move(options)),
        wake_(std::move(wake)) {}

  void wake() const;
  Result<> take_pending();
  Result<> subscribe();
  Result<> look_at_all();
  Result<> take_changes();
  Result<> state_changed(Source& source, const engine::ContainerState& state);
  void adopt(const engine::Container& container);
  Result<bool> is_over();
  Result<> wait();
  Result<> read(Source& source);
  Result<> ended(Source& source, const engine::ContainerState& state);
  bool all_ended() const;

  engine::Engine& engine_;
  std::string project_;
  LogSink& sink_;
  FollowOptions options_;
  Fd wake_;
  std::unique_ptr<engine::Watch> watch_;
  std::map<std::string, Source> sources_;  // by id; only run() touches them
  std::optional<Fd> others_;               // readable when another command has left the project alone
  SystemTime begun_ = system_now();

  std::mutex mutex_;  // the five below
  std::vector<Source> pending_;
  bool complete_ = false;
  bool finish_ = false;
  bool stop_ = false;
  unsigned held_ = 0;
};

// The lines that are there, container by container, without following.
Result<> print_logs(engine::Engine& engine, const std::vector<engine::Container>& containers,
                    const engine::LogReadOptions& options, LogSink& sink);

}  // namespace consort::project
