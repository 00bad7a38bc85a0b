// What the cluster says of a project's objects.
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
  std::string path;     // to ask for it again
  std::string service;  // the value of label::service
  Json object;          // the whole
  bool ended = false;   // a Job that has nothing more to do
  bool failed = false;  // and not because it is done
};
using ObjectKey = std::pair<std::string, std::string>;  // kind, name

// All objects with the project's labels but pods; kinds that this cluster does not have are left out. Claims are there
// to be compared only: they are data, and nobody but `down -v` removes them.
Result<std::map<ObjectKey, Seen>> look(Session& session);
// One of them as it is now; nullopt if it is gone.
Result<std::optional<Seen>> look_again(Session& session, const Object& object);

// The last warning about an object, in the cluster's words; "" if there is none. name_prefix: what it has made, too.
// reason: "" for any.
std::string last_warning(Session& session, const std::string& name_prefix, const std::string& reason = {});
// How often a pod's health check has failed, as far as the cluster has counted.
std::uint64_t failed_checks(Session& session, const std::string& pod);
// The last lines that a container of a pod has written; "" if they cannot be had. container "": the pod's only one.
std::string last_output(Session& session, const std::string& pod, const std::string& container = {});

}  // namespace consort::kube
