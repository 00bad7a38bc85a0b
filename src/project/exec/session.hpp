// What every verb works with: the engine, the project, and how to tell what happens. Made once per command.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "compose/compose.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"
#include "project/exec/executor.hpp"
#include "project/exec/progress.hpp"
#include "project/plan/names.hpp"
#include "project/plan/observed.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

enum class DryRun : std::uint8_t { no, yes };
enum class Strangers : std::uint8_t { refused, told };  // names that no service and no container has

struct Session {
  engine::Engine& engine;
  Progress& progress;
  std::string project_name;
  std::optional<compose::Project> project;  // absent: known by its labels only
  DryRun dry_run = DryRun::no;
  Strangers strangers = Strangers::refused;
  unsigned parallel = 16;
  int interrupt_fd = -1;  // borrowed; readable once the user has asked to stop
  std::string_view separator = name_separator;
  std::vector<std::string> env_files;  // --env-file, for a label
  std::function<bool(const std::string& question)> confirm{};
  std::function<void()> before_builds{};                 // called when a command that can do more is about to build
  std::function<void(const std::string& line)> debug{};  // --debug; may be called by any thread
  Provided provided{};                                   // once providers have been asked (verbs/providers.hpp)
  std::string holder;  // how this command is named to others that wait: "consort up -d"
};

// How much of pulls and builds is told.
enum class Detail : std::uint8_t { all, quiet };
struct RunDetail {
  Detail pull = Detail::all;
  Detail build = Detail::all;
  // Of `build`.
  bool no_cache = false;
  bool always_pull_base = false;
  bool all_platforms = false;  // each of build.platforms, not only the one to be run here
  bool explain = false;        // why each step was or was not taken from the cache
  std::map<std::string, std::string> build_args{};
  std::vector<std::string> ssh{};
  // Of `up` and `start`: seconds that the whole may take, if all is waited for, else that a dependency may take to
  // become what is wanted of it. And who wants to know of each start (any thread).
  std::optional<int> limit_seconds{};
  std::function<void(const std::string& container)> on_started{};
  // What hooks write, and which of them: "web pre_start[0] ->", "web-1 ->". Empty: nobody is shown it. Any thread.
  std::function<void(const std::string& service, const std::string& source, const engine::LogLine& line)>
      on_hook_line{};
  std::function<void(const std::string& service, ProviderAnswer answer)> on_provided{};  // any thread
};

// Carries the plan out on the session's engine, or only says so with --dry-run.
Result<> execute(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail = {});

// An image of this machine; platform: "" is the name's own. nullopt: there is none, or for other platforms only.
Result<std::optional<image::Image>> find_image(Session& session, const std::string& name, const std::string& platform);

// One look at the engine: the project's containers, all networks and volumes, and the images that the project names.
enum class Look : std::uint8_t { containers, everything };
Result<Observed> observe(Session& session, Look look);

}  // namespace consort::project
