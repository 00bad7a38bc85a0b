// The observed state of a project's pods: their containers, and why they are not in the desired state.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "kube/client.hpp"

namespace consort::kube {

struct PodState {
  std::string name;
  std::string uid;
  std::string service;    // value of label::service
  std::string container;  // the service's own container
  std::string config;     // value of label::config
  std::string node;       // "": not scheduled yet
  std::string image;
  std::string image_digest;  // "sha256:..." once it has been pulled
  std::vector<std::string> command;
  std::uint64_t memory_limit = 0;                         // bytes; 0: none
  std::vector<std::pair<std::string, std::string>> data;  // claims and where the container mounts them
  bool passing = false;                                   // created by `run`, and removed once it has ended
  std::string one_off;                                    // the service that `run` created it for
  std::string job;                                        // the Job that created it; "": none
  std::string phase;                                      // Pending, Running, Succeeded, Failed
  std::string address;
  std::vector<std::string> ports;  // "8000/tcp"
  SystemTime created{};
  std::optional<SystemTime> running_since;
  std::string failed_before;     // a container that must end before the service's and failed; "": none
  int failed_code = 0;           // its exit code
  std::string waiting;           // why the container does not run: "ImagePullBackOff"
  std::string waiting_text;      // the cluster's message
  std::string unschedulable;     // why no node accepts it; "": a node has
  std::optional<int> exit_code;  // from the container's last end
  int restarts = 0;
  bool deleting = false;
  bool tty = false, input = false;  // of its first process, for attach
  bool probed = false;              // it has a health check
  bool ready = false;
  // Whether the container has been started at least once.
  bool started() const { return running_since || exit_code || restarts > 0 || phase == "Succeeded"; }
  bool running() const { return running_since.has_value(); }
  bool ended() const { return phase == "Succeeded" || phase == "Failed"; }
};

// "250m" processors, "64Mi" bytes; 0 for anything that is not a quantity.
double quantity_of(std::string_view text);

// Code::invalid if the text is not a pod.
Result<PodState> pod_state(std::string_view json);

// Why the pod will not start without intervention, for people; nullopt: no problem is known.
std::optional<std::string> trouble_of(const PodState& pod);

// The pods that a selector matches, kept up to date by a watch.
class PodWatch {
 public:
  PodWatch(Client& client, std::string space, std::string selector);
  Result<> list();
  const std::map<std::string, PodState>& pods() const { return pods_; }
  // Follows the pods until `enough` says so. It is called at once, after each change, and about once a second, since
  // the problem may be that nothing happens.
  Result<> follow(const std::function<Result<Next>()>& enough, const std::stop_token& stop = {});

 private:
  Result<bool> take(std::string_view line);  // false: start over
  Result<> follow_once(std::mutex& asking, const std::function<Next()>& ask, const std::stop_token& over);

  Client& client_;
  std::string space_, selector_, version_;
  std::map<std::string, PodState> pods_;
};

}  // namespace consort::kube
