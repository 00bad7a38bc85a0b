// What every verb on a cluster works with. Made once per command.
#pragma once

#include <optional>
#include <string>

#include "kube/client.hpp"
#include "kube/manifests.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/log_sink.hpp"
#include "project/exec/progress.hpp"

namespace consort::kube {

struct Session {
  Client& client;
  project::Progress& progress;
  const project::Cancellation& cancel;
  std::string space;         // the namespace
  std::string project_name;  // as the file has it
  // Whether the namespace is the project's own, made by `up` and removed with its data.
  enum class Space : std::uint8_t { shared, own } space_is = Space::shared;
  Trial trial = Trial::no;
};

}  // namespace consort::kube
