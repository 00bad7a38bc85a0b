// Follows the logs and the ends of several containers of a project, in one thread and without polling: with inotify for
// the log files and the supervisor's stream for the states.
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
  engine::LogReadOptions read;  // for containers that exist at the beginning
  // Whether to follow a container that is created later. Empty: only containers passed to add().
  std::function<bool(const engine::Container&)> adopt{};
  // Whether run() waits for the end of a followed container. Empty: for all.
  std::function<bool(const engine::Container&)> awaited{};
  // Called when a followed container has ended for any reason; true: stop following.
  std::function<bool(const std::string& id, const std::string& name, const engine::ContainerState&)> on_exit{};
};

class LogFollower {
 public:
  static Result<std::unique_ptr<LogFollower>> create(engine::Engine& engine, std::string project, LogSink& sink,
                                                     FollowOptions options);

  // From any thread. `since` replaces the options' value, for a container that was just started.
  void add(const engine::Container& container, std::optional<SystemTime> since = {});
  // From any thread: no more containers will be added. run() returns when all followed ones have ended and no other
  // command is at work on the project, which might start them again or create new ones.
  void complete();
  void finish();  // from any thread: run() shows what is there and returns, whether containers have ended or not
  void stop();    // from any thread: run() returns soon
  // From any thread: between the two, run() does not return when all containers have ended.
  void hold();
  void release();
  Result<> run();

 private:
  struct Source {
    std::string id, name;
    std::unique_ptr<engine::LogReader> reader;
    int fd = -1;
    bool more = false;  // than was read in its last turn
    bool awaited = true;
    bool ended = false;
    bool joined = false;  // its current state was checked once
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
  Result<> read_part(Source& source);
  Result<> ended(Source& source, const engine::ContainerState& state);
  bool all_ended() const;

  engine::Engine& engine_;
  std::string project_;
  LogSink& sink_;
  FollowOptions options_;
  Fd wake_;
  std::unique_ptr<engine::Watch> watch_;
  std::map<std::string, Source> sources_;  // by ID; only used by run()
  std::optional<Fd> others_;               // readable when no other command is at work on the project
  SystemTime begun_ = system_now();

  std::mutex mutex_;  // protects the next five members
  std::vector<Source> pending_;
  bool complete_ = false;
  bool finish_ = false;
  bool stop_ = false;
  unsigned held_ = 0;
};

// Prints the existing lines, container by container, without following.
Result<> print_logs(engine::Engine& engine, const std::vector<engine::Container>& containers,
                    const engine::LogReadOptions& options, LogSink& sink);

}  // namespace consort::project
