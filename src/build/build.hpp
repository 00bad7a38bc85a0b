// Builds a Dockerfile and its context into an image in the store. Terms used here:
//   stage     starts with a FROM and ends in a state: a chain of layers and an image configuration
//   step      one instruction of a stage, numbered as in "[web 2/5] RUN make"
//   context   the directory that COPY and ADD read; it is read in place, never copied
//   cache     the results of earlier steps, found by a key computed from everything that a step can see (cache/key.hpp)
// A build runs in the calling process; it starts threads and child processes, all of which have ended when build()
// returns, whether with success, error or cancellation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "build/failure.hpp"

namespace consort::image {
class Store;
}
namespace consort::runtime {
struct Resources;
}

namespace consort::build {

struct Secret {
  std::string id;
  std::string file;                          // read when a step needs it
  std::optional<std::string> environment{};  // name of a variable in BuildEnvironment::environment, instead of a file
  friend bool operator==(const Secret&, const Secret&) = default;
};

struct SshForward {
  std::string id = "default";
  std::string socket;  // of an agent, or private keys as "FILE,FILE"; empty: $SSH_AUTH_SOCK
  friend bool operator==(const SshForward&, const SshForward&) = default;
};

// "name=value" of build --build-context. The value is a directory, docker-image://REF, oci-layout://DIR[:TAG|@DIGEST],
// or a git or tar URL.
struct NamedContext {
  std::string name;
  std::string value;
  friend bool operator==(const NamedContext&, const NamedContext&) = default;
};

struct Ulimit {
  std::string name;  // "nofile"
  std::int64_t soft = 0;
  std::int64_t hard = 0;  // -1 is unlimited
  friend bool operator==(const Ulimit&, const Ulimit&) = default;
};

enum class CacheUse : std::uint8_t { normal, ignore };        // ignore: --no-cache
enum class BasePull : std::uint8_t { when_missing, always };  // always: --pull
enum class Goal : std::uint8_t { image, check_only };         // check_only: build --check

// A second image with the same files but other names and labels.
struct BuildOutput {
  std::string name;  // ProgressEvent::image
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  friend bool operator==(const BuildOutput&, const BuildOutput&) = default;
};

struct BuildRequest {
  std::string context;                           // directory, or a git or tar URL; "" is an empty context
  std::string dockerfile = "Dockerfile";         // relative to the context, or absolute
  std::optional<std::string> dockerfile_inline;  // its text, instead of a file
  std::map<std::string, std::string> args;
  std::string target;  // stage name or number; empty: the last stage
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  std::vector<BuildOutput> more_outputs;  // in addition to the one of tags and labels
  std::vector<Secret> secrets;
  std::vector<SshForward> ssh;
  std::vector<NamedContext> additional_contexts;
  std::vector<std::string> cache_from;  // see cache_spec.hpp; used for steps missing in the local cache
  std::vector<std::string> cache_to;
  std::string directory;                        // base of relative cache and layout directories; empty: the current one
  std::string network = "default";              // default | none | host
  std::vector<std::string> extra_hosts;         // "name:address" or "name=address"
  std::optional<std::uint64_t> shm_size_bytes;  // nullopt: 64 MiB
  std::vector<Ulimit> ulimits;
  std::vector<std::string> platforms;        // each is built, and the tags name all of them; empty: this machine's
  std::vector<std::string> entitlements;     // network.host, security.insecure
  std::vector<std::string> no_cache_filter;  // stages whose steps ignore the cache
  CacheUse cache = CacheUse::normal;
  BasePull pull = BasePull::when_missing;
  Goal goal = Goal::image;
  friend bool operator==(const BuildRequest&, const BuildRequest&) = default;
};

// Progress of a running build. Calls come from several threads, but one at a time.
enum class StepState : std::uint8_t { started, output, cached, done, error, canceled };
struct ProgressEvent {
  int id = 0;         // "#7": numbered from 1 in order of first appearance; constant for a step
  std::string stage;  // "web", "stage-1"; "internal" for steps such as loading the definition
  int number = 0;     // of the step within its stage, from 1; 0 for internal steps
  int total = 0;      // number of steps in that stage
  std::string text;   // "[web 2/5] RUN make"
  std::string image;  // for a step that produces one of more_outputs: its name; otherwise ""
  StepState state = StepState::started;
  std::string output;  // for state output: raw bytes of the step's stdout or stderr
  bool from_stderr = false;
  double seconds = 0;   // for states done, cached and error: time since started
  std::string message;  // for state error: one line
};

// An instruction of a stage that is needed, in the order of the file; reported before any step starts.
struct PlannedInstruction {
  std::string text;   // "RUN make", as written, continuations joined
  std::string stage;  // ProgressEvent::stage of its step
  int number = 0;     // ProgressEvent::number of its step; 0: none, because it only changes the configuration
  enum class Kind : std::uint8_t { before_stages, from, run, copy, settings } kind = Kind::settings;
  std::string base;  // for `from`: ID of the image; "": scratch, or another stage
};

// A warning of a build check, as in `docker build --check`.
struct Warning {
  std::string rule;     // "UndefinedVar"
  std::string summary;  // what the rule is about in general
  std::string message;  // what is wrong here
  std::string url;      // documentation of the rule
  Mark at;
};

// Why a step was or was not taken from the cache: build --explain.
struct StepExplanation {
  std::string step;  // "[web 2/5] COPY . /app"
  bool cached = false;
  std::string reason;  // "file app/views.py changed"
};

struct BuildResult {
  std::string image_id;  // "sha256:..." of tags and labels, preferably for this machine; "" with check_only
  std::vector<std::string> tags;
  std::vector<Warning> warnings;
  std::string dockerfile_text;  // the text that the warnings' positions refer to
  std::vector<StepExplanation> explanations;
  int steps_total = 0;
  int steps_cached = 0;
};

// What a build obtains from its client if that is on another machine. Each function may block until the client has
// answered. Code::interrupted if the build is cancelled in the meantime. Empty functions: the request contains
// everything.
struct RemoteSources {
  // The files of the context that steps use (`paths` are paths and patterns; none: all of them), in a directory of this
  // build below passing_directory(). Called at most once, before the first step, and only if a step needs them.
  std::function<Result<std::string>(const std::vector<std::string>& paths)> context{};
  // A secret that is not in the request. nullopt: there is none with this ID.
  std::function<Result<std::optional<std::string>>(const std::string& id)> secret{};
  // The socket of an SSH agent. Empty: there is none with this ID. Called at most once for each ID.
  std::function<Result<std::string>(const std::string& id)> ssh_agent{};
};

// Parent of temporary context directories, which are deleted after their build: no file digests are cached for them.
std::string passing_directory(const Roots& roots);

// What a build needs from its caller. Each function may be called from any thread of the build, one call at a time.
struct BuildEnvironment {
  image::Store& store;
  Roots roots;
  // Ensures that an image is in the store and returns its ID; with when_missing, an image already there may be used.
  std::function<Result<std::string>(const std::string& reference, const std::string& platform, BasePull)> pull;
  // A network namespace with Internet access for RUN steps, valid until `release` is called. Empty function: the
  // host's.
  struct Network {
    Fd netns;
    std::string resolv_conf;   // content of /etc/resolv.conf inside; empty: the host's
    std::string host_gateway;  // the host's address as seen from inside, for extra_hosts; empty: unknown
    std::string hostname = "buildkitsandbox";
    std::function<void()> release{};  // called when the step has ended
  };
  std::function<Result<Network>()> network{};
  std::function<void(const ProgressEvent&)> progress{};
  // Called once for each platform, before the first step.
  std::function<void(const std::vector<PlannedInstruction>&)> planned{};
  // Called at most once, before build() returns an error that belongs to a step.
  std::function<void(const StepFailure&)> failed{};
  int cancel_fd = -1;                      // readable to stop the build; borrowed; -1: never
  std::vector<std::string> environment{};  // "K=V" of the user, for secrets from variables; empty: none
  RemoteSources remote{};
  std::shared_ptr<const runtime::Resources> limits{};  // for each RUN step; null: no limits. Not part of the cache key
};

// Errors: Code::invalid with a mark for mistakes in the Dockerfile; Code::interrupted if cancelled. A failing RUN is
// Code::invalid: process "/bin/sh -c make" did not complete successfully: exit code: 2; `failed` gets its output.
Result<BuildResult> build(const BuildRequest& request, BuildEnvironment& environment);

// Why a build would give a different image now than when it last ran here: "file app/views.py changed". nullopt: it
// would give image_id again, or no earlier build is known. Runs no steps; calls `pull` for base images.
Result<std::optional<std::string>> why_outdated(const BuildRequest& request, BuildEnvironment& environment,
                                                const std::string& image_id);

}  // namespace consort::build
