// RUN: a container of its own over the stage's layers; what it changes becomes the step's layer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "build/exec/stage_files.hpp"
#include "build/plan/operations.hpp"

namespace consort::build {

// A --mount that the caller has made ready: host path to target. A host path is bound as it is.
struct ReadyMount {
  std::string source;  // empty: tmpfs
  std::string target;
  bool read_only = true;
  std::uint64_t size_bytes = 0;  // tmpfs
};

enum class OutputStream : std::uint8_t { out, err };
using OutputSink = std::function<void(OutputStream, std::string_view)>;

struct RunStep {
  const RunOperation& operation;
  const Layers& layers;
  const image::LayerDraft& draft;
  std::string id;      // of the container, unique on the machine
  std::string bundle;  // an existing directory for its files
  std::vector<ReadyMount> mounts;
  std::vector<std::string> extra_environment;  // secrets, agents
  const BuildRequest& request;
  BuildEnvironment::Network network;  // a netns, if there is a provider
  const runtime::Resources* limits = nullptr;
  int cancel_fd = -1;
  OutputSink output;
};

struct RunFailure {
  int exit_code = 0;
  bool oom_killed = false;
  std::string why{};  // instead of the code: nothing was run
};
// nullopt: success. Code::interrupted if cancelled.
Result<std::optional<RunFailure>> run_step(const RunStep& step);

}  // namespace consort::build
