// The verbs of a project on a cluster.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/pods.hpp"
#include "kube/session.hpp"

namespace consort::kube {

// Makes the project's own namespace if it is not there; one that is still being removed is waited for. false: it is not
// there, because nothing is to be changed (Trial::yes).
Result<bool> ensure_space(Session& session);

enum class Wait : std::uint8_t { started, healthy };

struct UpOptions {
  Wait wait = Wait::started;
  std::chrono::seconds limit{0};  // that nothing at all may happen; 0: a minute
  Force force = Force::no;
  bool remove_orphans = true;  // false: only services of the model are looked after
};
// Applies what is wanted, service by service as their dependencies allow, waits, then removes what the file no longer
// has (claims excepted). What cannot get going is an error that says why.
Result<> bring_up(Session& session, const compose::Project& project, const Manifests& manifests,
                  const UpOptions& options);

struct DownOptions {
  bool volumes = false;
};
// false: there was nothing.
Result<bool> take_down(Session& session, const DownOptions& options);

// Objects of the project that carry replicas, as the cluster has them.
struct Scaled {
  std::string kind;
  std::string name;
  std::string service;
  unsigned replicas = 0;  // now
  unsigned of_file = 1;   // as `up` had it
  std::string image;
};
Result<std::vector<Scaled>> scaled(Session& session, const std::vector<std::string>& services);
Result<> stop(Session& session, const std::vector<std::string>& services);
Result<> start(Session& session, const std::vector<std::string>& services);
Result<> restart(Session& session, const std::vector<std::string>& services);
Result<> set_replicas(Session& session, const Scaled& of, unsigned count);

// Pods of services. SIGKILL ("" as well) ends them, and nothing takes their place; other signals go to their first
// process, by the container's own shell.
Result<> kill(Session& session, const std::vector<std::string>& services, const std::string& signal);
// What has been stopped, jobs that have ended, and pods that `run` has left.
struct Ended {
  std::string id;  // "Deployment web"
  std::string path;
};
Result<std::vector<Ended>> ended(Session& session, const std::vector<std::string>& services);
Result<> remove_ended(Session& session, const std::vector<Ended>& those);

// Of the named services, or of all; by name. An unknown name is "no such service".
Result<std::vector<PodState>> pods_of(Session& session, const std::vector<std::string>& services);
// The pod for exec, port and the like: the first that runs, or the index-th.
Result<PodState> one_pod(Session& session, const std::string& service, std::optional<unsigned> index);

struct LogOptions {
  std::optional<std::size_t> tail;
  std::string since;  // RFC 3339; "": from the beginning
  bool follow = false;
  bool timestamps = false;
};
// With follow until session.cancel; new pods join.
Result<> show_logs(Session& session, const std::vector<std::string>& services, const LogOptions& options,
                   project::LogSink& sink);

struct ExecOptions {
  std::vector<std::string> command;
  bool tty = false;
  enum class Input : std::uint8_t {
    none,
    open,    // as long as the command runs; Channels::finish() is understood from Kubernetes 1.30 on
    stream,  // with an end. Older clusters cannot be told of it: there a shell in the container counts what comes
  } input = Input::open;
};
Result<Channels> exec(Session& session, const PodState& pod, const ExecOptions& options);

// A command from its start to its end: input is read to its end (-1: none), output goes to `out`.
struct Ran {
  int code = 0;
  std::string errors;  // the end of what it has written to standard error
};
using OnOutput = std::function<Result<>(std::string_view bytes)>;
Result<Ran> exec_through(Session& session, const PodState& pod, std::vector<std::string> command, int input,
                         const OnOutput& out);
// Its output; Code::io with its errors if it fails.
Result<std::string> exec_capture(Session& session, const PodState& pod, std::vector<std::string> command);

// 30 of version 1.30.
Result<std::int64_t> minor_version(Client& client);
inline constexpr std::int64_t minor_with_ends = 30;    // a stream's end can be told: v5.channel.k8s.io
inline constexpr std::int64_t minor_with_sleeps = 30;  // a pod may wait before it ends: lifecycle.preStop.sleep
// The version of CronJobs that the cluster has: "batch/v1", or "batch/v1beta1" before 1.21.
Result<std::string> cron_job_version(Client& client);

// Projects that have something on the cluster: names and how many of their pods run.
struct Listed {
  std::string space;
  std::string name;
  std::map<std::string, int> states;  // "running" -> 2
};
Result<std::vector<Listed>> list_projects(Client& client);

}  // namespace consort::kube
