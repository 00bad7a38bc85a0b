// Reads a project's objects, warnings and output from the cluster.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "kube/kinds.hpp"
#include "kube/session.hpp"

namespace consort::kube {

struct Seen {
  std::string path;     // to request it again
  std::string service;  // the value of label::service
  Json object;          // the whole object
  bool ended = false;   // a Job that is finished
  bool failed = false;  // ended unsuccessfully
};
using ObjectKey = std::pair<std::string, std::string>;  // kind, name

// All objects with the project's labels except pods; kinds that this cluster lacks are left out. Claims are included
// only for comparison: they are data, and only `down -v` removes them.
Result<std::map<ObjectKey, Seen>> look(Session& session);
// The current state of one of them; nullopt if it is gone.
Result<std::optional<Seen>> look_again(Session& session, const Object& object);

// The last warning about an object, as the cluster reports it; "" if there is none. With name_prefix, warnings about
// objects that it created count too. reason: "" for any.
std::string last_warning(Session& session, const std::string& name_prefix, const std::string& reason = {});
// How often a pod's health check has failed, as far as the cluster has counted.
std::uint64_t failed_checks(Session& session, const std::string& pod);
// The last lines that a container of a pod has written; "" if they cannot be had. container "": the pod's only one.
std::string last_output(Session& session, const std::string& pod, const std::string& container = {});

}  // namespace consort::kube
