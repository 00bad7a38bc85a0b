// RUN: runs a container on top of the stage's layers; its changes become the step's layer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "build/build.hpp"
#include "build/exec/stage_files.hpp"
#include "build/plan/operations.hpp"

namespace consort::build {

// A --mount set up by the caller: host path to target. The host path is bind-mounted as it is.
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
  std::string bundle;  // an existing directory for the container's files
  std::vector<ReadyMount> mounts;
  std::vector<std::string> extra_environment;  // secrets, agents
  const BuildRequest& request;
  BuildEnvironment::Network network;  // with a netns if there is a network provider
  const runtime::Resources* limits = nullptr;
  int cancel_fd = -1;
  OutputSink output;
};

struct RunFailure {
  int exit_code = 0;
  bool oom_killed = false;
  std::string why{};  // if set, nothing was run, and there is no exit code
};
// nullopt: success. Code::interrupted if cancelled.
Result<std::optional<RunFailure>> run_step(const RunStep& step);

}  // namespace consort::build
