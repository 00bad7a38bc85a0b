// What all commands on a project share: the engine, the project and the progress output. Created once per command;
// engine and progress are borrowed. execute() reads it from several threads, so it must not change meanwhile.
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
enum class Strangers : std::uint8_t { refused, told };  // names that are neither a service nor a container

struct Session {
  engine::Engine& engine;
  Progress& progress;
  std::string project_name;
  std::optional<compose::Project> project;  // absent: known only from labels
  DryRun dry_run = DryRun::no;
  Strangers strangers = Strangers::refused;
  unsigned parallel = 16;
  int interrupt_fd = -1;  // borrowed; readable once the user has asked to stop
  std::string_view separator = name_separator;
  std::vector<std::string> env_files;  // --env-file, for a label
  std::function<bool(const std::string& question)> confirm{};
  std::function<void()> before_builds{};  // called before a build by a command that does more than building
  std::function<void(const std::string& line)> debug{};  // --debug; may be called from any thread
  Provided provided{};                                   // set once providers have run (verbs/providers.hpp)
  std::string holder;                                    // this command's name for others that wait: "consort up -d"
};

// How much output pulls and builds have.
enum class Detail : std::uint8_t { all, quiet };
struct RunDetail {
  Detail pull = Detail::all;
  Detail build = Detail::all;
  // Of `build`.
  bool no_cache = false;
  bool always_pull_base = false;
  bool all_platforms = false;  // all of build.platforms, not only this machine's
  bool explain = false;        // say why each step was or wasn't cached
  std::map<std::string, std::string> build_args{};
  std::vector<std::string> ssh{};
  // For `up` and `start`: the timeout in seconds, of the whole command with --wait, otherwise of each dependency's
  // condition; and a callback for each start (any thread).
  std::optional<int> limit_seconds{};
  std::function<void(const std::string& container)> on_started{};
  // Output of hooks, and which hook: "web pre_start[0] ->", "web-1 ->". Empty: it isn't shown. Any thread.
  std::function<void(const std::string& service, const std::string& source, const engine::LogLine& line)>
      on_hook_line{};
  std::function<void(const std::string& service, ProviderAnswer answer)> on_provided{};  // any thread
};

// Executes the plan on the session's engine, or only prints it with --dry-run.
Result<> execute(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail = {});

// A local image; platform "": the name's own. nullopt: there is none, or only for other platforms.
Result<std::optional<image::Image>> find_image(Session& session, const std::string& name, const std::string& platform);

// Queries the engine once: the project's containers, all networks and volumes, and the images that the project names.
enum class Look : std::uint8_t { containers, everything };
Result<Observed> observe(Session& session, Look look);

}  // namespace consort::project
