// What every command on a cluster works with. Created once per command; the references are borrowed.
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
  std::string project_name;  // as in the file
  // Whether the namespace is the project's own, created by `up` and removed with its data.
  enum class Space : std::uint8_t { shared, own } space_is = Space::shared;
  Trial trial = Trial::no;
};

}  // namespace consort::kube
