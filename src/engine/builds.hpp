// Building images: Engine::builds(). The types it uses (build::BuildRequest, build::ProgressEvent, ...) are declared by
// the headers included here; the engine provides a build with its store, its networks and its base images.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "build/build.hpp"
#include "build/cache_spec.hpp"
#include "build/failure.hpp"
#include "engine/engine.hpp"
#include "image/transfer.hpp"

namespace consort::engine {

// Callbacks and settings of one build. Every function may be called from any thread, one call at a time.
struct BuildRun {
  std::function<void(const build::ProgressEvent&)> progress{};
  std::function<void(const std::vector<build::PlannedInstruction>&)> planned{};  // before the first step
  // Called at most once, before an error that belongs to a step is returned.
  std::function<void(const build::StepFailure&)> failed{};
  std::function<void(const std::string&)> warn{};  // problems with the registry settings
  // Either of them stops the build: Code::interrupted. The descriptor is borrowed; -1: never.
  int cancel_fd = -1;
  std::stop_token cancel{};
  Strings environment{};        // "K=V", for secrets that come from variables
  std::string docker_config{};  // directory with the credentials for base images; "": the user's own
  build::RemoteSources remote{};
  // Called for the login at the registry of a base image that must be pulled, instead of using this user's credentials.
  // nullopt: no login. Empty function: the user's credentials.
  std::function<Result<std::optional<image::Login>>(const std::string& registry)> login{};
  Resources limits{};  // for the container of each RUN step
};

// The files of a build context received as an archive. The destructor deletes them; after a crash, the next command
// does.
class ReceivedContext {
 public:
  struct Place;
  explicit ReceivedContext(std::unique_ptr<Place> place);
  ReceivedContext(ReceivedContext&&) noexcept;
  ~ReceivedContext();
  std::string directory() const;

 private:
  std::unique_ptr<Place> place_;
};

// One of the engine's networks, for RUN steps: they run in the network namespace of an existing container, or of one
// that only waits until the build ends.
struct JoinedNetwork {
  std::string mode;     // a network's name or id, or "container:NAME"
  std::string project;  // of the container that waits
};

// A handle, cheap to make and to copy. The engine must outlive it. Any thread. The process must be sealed: seal.hpp.
class Builds {
 public:
  Builds(Engine& engine, Engine::Impl& impl) : engine_(&engine), impl_(&impl) {}

  // Returns the errors of build::build().
  Result<build::BuildResult> run(const build::BuildRequest& request, const BuildRun& run);
  // The same, with steps that are on a network and resolve its names.
  Result<build::BuildResult> run_on(const JoinedNetwork& network, const build::BuildRequest& request,
                                    const BuildRun& run);
  // in: a tar, packed or not, that is not trusted. Code::invalid for what is none.
  Result<ReceivedContext> receive_context(int in);
  // Why a build would give a different image now than when it last ran here; nullopt: it would give image_id again, or
  // no earlier build is known. Runs nothing and does not contact a registry.
  Result<std::optional<std::string>> why_outdated(const build::BuildRequest& request, const std::string& image_id,
                                                  const Strings& environment = {});

 private:
  Engine* engine_;
  Engine::Impl* impl_;
};

}  // namespace consort::engine
