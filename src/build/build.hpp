// Dockerfile and context in, image in the store out. The words used here:
//   stage     what one FROM begins; it ends in a state: a chain of layers and an image configuration
//   step      one instruction of a stage, numbered as in "[web 2/5] RUN make"
//   context   the directory that COPY and ADD read; it is read in place, never copied
//   cache     what a step gave the last time, found by a key made of all that the step can see (cache/key.hpp)
// A build runs in the calling process; it starts threads and child processes, and all of them are gone when build()
// returns, whether by success, error or cancellation.
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
  std::string file;                          // read when a step asks for it
  std::optional<std::string> environment{};  // name of a variable of ours, instead of a file
  friend bool operator==(const Secret&, const Secret&) = default;
};

struct SshForward {
  std::string id = "default";
  std::string socket;  // of an agent, or private keys, "FILE,FILE"; empty: $SSH_AUTH_SOCK
  friend bool operator==(const SshForward&, const SshForward&) = default;
};

// "name=value" of build --build-context: a directory, docker-image://REF, oci-layout://DIR[:TAG|@DIGEST],
// a git or tar URL.
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

// The same files once more, under other names and labels.
struct BuildOutput {
  std::string name;  // in ProgressEvent::image
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  friend bool operator==(const BuildOutput&, const BuildOutput&) = default;
};

struct BuildRequest {
  std::string context;                           // directory, or a git or tar URL; "" is an empty context
  std::string dockerfile = "Dockerfile";         // relative to the context, or absolute
  std::optional<std::string> dockerfile_inline;  // its text, instead
  std::map<std::string, std::string> args;
  std::string target;  // stage name or number; empty: the last
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  std::vector<BuildOutput> more_outputs;  // besides the one of tags and labels
  std::vector<Secret> secrets;
  std::vector<SshForward> ssh;
  std::vector<NamedContext> additional_contexts;
  std::vector<std::string> cache_from;  // see cache_spec.hpp; asked when the machine's own cache lacks a step
  std::vector<std::string> cache_to;
  std::string directory;            // that relative directories of caches and layouts count from; empty: the current
  std::string network = "default";  // default | none | host
  std::vector<std::string> extra_hosts;         // "name:address" or "name=address"
  std::optional<std::uint64_t> shm_size_bytes;  // 64 MiB
  std::vector<Ulimit> ulimits;
  std::vector<std::string> platforms;        // each is built, the tags name all of them; empty: the machine's
  std::vector<std::string> entitlements;     // network.host, security.insecure
  std::vector<std::string> no_cache_filter;  // stages whose steps are not taken from the cache
  CacheUse cache = CacheUse::normal;
  BasePull pull = BasePull::when_missing;
  Goal goal = Goal::image;
  friend bool operator==(const BuildRequest&, const BuildRequest&) = default;
};

// What a build tells while it runs. Calls come from several threads, but one at a time.
enum class StepState : std::uint8_t { started, output, cached, done, error, canceled };
struct ProgressEvent {
  int id = 0;         // "#7": counts from 1 in the order of first appearance; stays with the step
  std::string stage;  // "web", "stage-1"; "internal" for loading the definition and the like
  int number = 0;     // of the step in its stage, from 1; 0 for internal steps
  int total = 0;      // steps of that stage
  std::string text;   // "[web 2/5] RUN make"
  std::string image;  // of the step that makes one of more_outputs: its name; else ""
  StepState state = StepState::started;
  std::string output;  // state output: raw bytes of the step's stdout or stderr
  bool from_stderr = false;
  double seconds = 0;   // states done, cached and error: since started
  std::string message;  // state error: one line
};

// An instruction of the stages that are needed, in the order of the file: what is told before any step begins.
struct PlannedInstruction {
  std::string text;   // "RUN make", as written, continuations joined
  std::string stage;  // ProgressEvent::stage of its step
  int number = 0;     // ProgressEvent::number of its step; 0: it has none, as it only changes the configuration
  enum class Kind : std::uint8_t { before_stages, from, run, copy, settings } kind = Kind::settings;
  std::string base;  // from: the id of the image; "": it begins with nothing, or with another stage
};

// A build check, as `docker build --check` gives them.
struct Warning {
  std::string rule;     // "UndefinedVar"
  std::string summary;  // what the rule is about
  std::string message;  // what is wrong here
  std::string url;      // of the rule's page
  Mark at;
};

// Why a step was or was not taken from the cache: build --explain.
struct StepExplanation {
  std::string step;  // "[web 2/5] COPY . /app"
  bool cached = false;
  std::string reason;  // "file app/views.py changed"
};

struct BuildResult {
  std::string image_id;  // "sha256:..." of tags and labels, for this machine if it is built for; "" with check_only
  std::vector<std::string> tags;
  std::vector<Warning> warnings;
  std::string dockerfile_text;  // that the warnings' lines are of
  std::vector<StepExplanation> explanations;
  int steps_total = 0;
  int steps_cached = 0;
};

// What a build takes from whoever asked for it, where that is not this machine: each function may block until the
// other side has answered. Code::interrupted, if it was cancelled meanwhile. Empty: the request says it all.
struct RemoteSources {
  // The files of the context that steps name (paths and patterns; none: all of them), in a directory of this build's
  // own, below passing_folder(). Called at most once, before the first step, and only if a step needs any.
  std::function<Result<std::string>(const std::vector<std::string>& paths)> context{};
  // A secret that the request does not have. nullopt: there is none of this id.
  std::function<Result<std::optional<std::string>>(const std::string& id)> secret{};
  // The socket of an SSH agent. Empty: there is none of this id. Called at most once for each id.
  std::function<Result<std::string>(const std::string& id)> ssh_agent{};
};

// Where the directories of contexts lie that are gone with their build: nothing is remembered of them.
std::string passing_folder(const Roots& roots);

// What the outside provides. Every function may be called from any thread of the build, one call at a time each.
struct BuildEnvironment {
  image::Store& store;
  Roots roots;
  // Gets an image into the store and gives its id; when_missing may still be answered from the store.
  std::function<Result<std::string>(const std::string& reference, const std::string& platform, BasePull)> pull;
  // A network namespace with the Internet in it, for RUN; it lives as long as the returned object. Empty: the host's.
  struct Network {
    Fd netns;
    std::string resolv_conf;   // content of /etc/resolv.conf inside; empty: the host's
    std::string host_gateway;  // the host as seen from inside, for extra_hosts; empty: unknown
    std::string hostname = "buildkitsandbox";
    std::function<void()> release{};  // called when the step has ended
  };
  std::function<Result<Network>()> network{};
  std::function<void(const ProgressEvent&)> progress{};
  // Called once for each platform, before the first step.
  std::function<void(const std::vector<PlannedInstruction>&)> planned{};
  // Called at most once, before build() returns an error that belongs to a step.
  std::function<void(const StepFailure&)> failed{};
  int cancel_fd = -1;                      // readable once the build is to stop; borrowed
  std::vector<std::string> environment{};  // "K=V" of ours, for secrets from variables; empty: none
  RemoteSources remote{};
  std::shared_ptr<const runtime::Resources> limits{};  // of each RUN step; null: none. No part of what is cached
};

// Errors: Code::invalid with a mark for the Dockerfile's faults; Code::interrupted when cancelled. A failing RUN is
// Code::invalid: process "/bin/sh -c make" did not complete successfully: exit code: 2; `failed` gets what to show.
Result<BuildResult> build(const BuildRequest& request, BuildEnvironment& environment);

// Why a build would give another image now than it gave when it was last run here: "file app/views.py changed".
// nullopt: it would give image_id again, or nothing is known of an earlier build. Nothing is run; pull is asked for
// base images.
Result<std::optional<std::string>> why_outdated(const BuildRequest& request, BuildEnvironment& environment,
                                                const std::string& image_id);

}  // namespace consort::build
