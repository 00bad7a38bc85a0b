// Building images: Engine::builds(). The words for it (build::BuildRequest, build::ProgressEvent, ...) are declared by
// the headers included here; the engine gives a build its store, its networks and its base images.
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

// How the caller hears of a build and ends it. Every function may be called from any thread, one call at a time.
struct BuildRun {
  std::function<void(const build::ProgressEvent&)> progress{};
  std::function<void(const std::vector<build::PlannedInstruction>&)> planned{};  // before the first step
  // At most once, before an error that belongs to a step.
  std::function<void(const build::StepFailure&)> failed{};
  std::function<void(const std::string&)> warn{};  // what is odd about registries' settings
  // Both say that the build is to stop: Code::interrupted. The descriptor is borrowed.
  int cancel_fd = -1;
  std::stop_token cancel{};
  Strings environment{};        // "K=V", for secrets that are variables
  std::string docker_config{};  // with the credentials for base images; "": the user's own
  build::RemoteSources remote{};
  // Asked for the login at the registry of a base image that must be pulled, instead of this machine's user's own.
  // nullopt: there is none. Empty: those of the user.
  std::function<Result<std::optional<image::Login>>(const std::string& registry)> login{};
  Resources limits{};  // of the container of each RUN step
};

// The files of a context that came as an archive; gone with this, or by the next command if we die.
class ReceivedContext {
 public:
  struct Place;
  explicit ReceivedContext(std::unique_ptr<Place> place);
  ReceivedContext(ReceivedContext&&) noexcept;
  ~ReceivedContext();
  std::string folder() const;

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

  // Errors are those of build::build().
  Result<build::BuildResult> run(const build::BuildRequest& request, const BuildRun& run);
  // The same, with steps that are on a network and resolve its names.
  Result<build::BuildResult> run_on(const JoinedNetwork& network, const build::BuildRequest& request,
                                    const BuildRun& run);
  // in: a tar, packed or not, that is not trusted. Code::invalid for what is none.
  Result<ReceivedContext> receive_context(int in);
  // Why a build would give another image now than it gave when it was last run here; nullopt: it would give image_id
  // again, or nothing is known of an earlier one. Runs nothing and asks no registry.
  Result<std::optional<std::string>> why_outdated(const build::BuildRequest& request, const std::string& image_id,
                                                  const Strings& environment = {});

 private:
  Engine* engine_;
  Engine::Impl* impl_;
};

}  // namespace consort::engine
