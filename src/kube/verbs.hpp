// The commands for a project on a cluster.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/pods.hpp"
#include "kube/session.hpp"

namespace consort::kube {

// Creates the project's own namespace if it is missing, and waits for one that is still being removed. false: it is
// missing, because nothing may be changed (Trial::yes).
Result<bool> ensure_space(Session& session);

enum class Wait : std::uint8_t { started, healthy };

struct UpOptions {
  Wait wait = Wait::started;
  std::chrono::seconds limit{0};  // how long nothing may happen before `up` fails; 0: a minute
  Force force = Force::no;
  bool remove_orphans = true;  // false: only the given services are considered
};
// Applies the objects, service by service as their dependencies allow, waits, then removes those that the file no
// longer has (except claims). If something cannot start, the error says why.
Result<> bring_up(Session& session, const compose::Project& project, const Manifests& manifests,
                  const UpOptions& options);

struct DownOptions {
  bool volumes = false;
};
// false: there was nothing to remove.
Result<bool> take_down(Session& session, const DownOptions& options);

// Objects of the project that have replicas, as they are on the cluster.
struct Scaled {
  std::string kind;
  std::string name;
  std::string service;
  unsigned replicas = 0;  // now
  unsigned of_file = 1;   // as set by `up`
  std::string image;
};
Result<std::vector<Scaled>> scaled(Session& session, const std::vector<std::string>& services);
Result<> stop(Session& session, const std::vector<std::string>& services);
Result<> start(Session& session, const std::vector<std::string>& services);
Result<> restart(Session& session, const std::vector<std::string>& services);
Result<> set_replicas(Session& session, const Scaled& of, unsigned count);

// Signals the pods of services. SIGKILL (or "") ends them without replacement; other signals are sent to their first
// process by a shell in the container.
Result<> kill(Session& session, const std::vector<std::string>& services, const std::string& signal);
// Stopped workloads, finished jobs, and pods left by `run`.
struct Ended {
  std::string id;  // "Deployment web"
  std::string path;
};
Result<std::vector<Ended>> ended(Session& session, const std::vector<std::string>& services);
Result<> remove_ended(Session& session, const std::vector<Ended>& those);

// The pods of the named services, or of all, sorted by name. An unknown name is "no such service".
Result<std::vector<PodState>> pods_of(Session& session, const std::vector<std::string>& services);
// The pod for exec, port and the like: the first running one, or the index-th.
Result<PodState> one_pod(Session& session, const std::string& service, std::optional<unsigned> index);

struct LogOptions {
  std::optional<std::size_t> tail;
  std::string since;  // RFC 3339; "": from the beginning
  bool follow = false;
  bool timestamps = false;
};
// With `follow`, runs until session.cancel and includes new pods.
Result<> show_logs(Session& session, const std::vector<std::string>& services, const LogOptions& options,
                   project::LogSink& sink);

struct ExecOptions {
  std::vector<std::string> command;
  bool tty = false;
  enum class Input : std::uint8_t {
    none,
    open,    // while the command runs; Channels::finish() requires Kubernetes 1.30
    stream,  // ends; older clusters cannot signal that, so a shell in the container counts the bytes
  } input = Input::open;
};
Result<Channels> exec(Session& session, const PodState& pod, const ExecOptions& options);

// The result of a command. Its input is read to the end (-1: none), its output goes to `out`.
struct Ran {
  int code = 0;
  std::string errors;  // the last part of its standard error
};
using OnOutput = std::function<Result<>(std::string_view bytes)>;
Result<Ran> exec_through(Session& session, const PodState& pod, std::vector<std::string> command, int input,
                         const OnOutput& out);
// Returns its output; Code::io with its standard error if it fails.
Result<std::string> exec_capture(Session& session, const PodState& pod, std::vector<std::string> command);

// 30 for version 1.30.
Result<std::int64_t> minor_version(Client& client);
inline constexpr std::int64_t minor_with_ends = 30;    // the end of a stream can be signalled: v5.channel.k8s.io
inline constexpr std::int64_t minor_with_sleeps = 30;  // a pod may wait before it stops: lifecycle.preStop.sleep
// The API version of CronJobs on the cluster: "batch/v1", or "batch/v1beta1" before 1.21.
Result<std::string> cron_job_version(Client& client);

// A project with objects on the cluster, and how many of its pods are in each state.
struct Listed {
  std::string space;
  std::string name;
  std::map<std::string, int> states;  // "running" -> 2
};
Result<std::vector<Listed>> list_projects(Client& client);

}  // namespace consort::kube
