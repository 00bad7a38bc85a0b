// `up`, `create` and `scale`: images first, then everything else.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "project/exec/log_sink.hpp"
#include "project/exec/session.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/images.hpp"
#include "project/watch/reactor.hpp"

namespace consort::project {

struct UpOptions {
  ImageOptions images;
  ConvergeOptions converge;
  RunDetail detail;
};

// The images on this machine that the project names.
Result<std::map<std::string, LocalImage>> local_images(Session& session);
Result<> ensure_images(Session& session, const ImageOptions& options, const RunDetail& detail);

// The session's project must be selected already (compose::project_with_services).
Result<> bring_up(Session& session, const UpOptions& options);

enum class AbortOn : std::uint8_t { nothing, exit, failure };

enum class WatchState : std::uint8_t { off, on };

// The keys that the user types while containers' output is shown.
class AttachKeys {
 public:
  enum class Key : std::uint8_t { none, watch, detach };
  virtual ~AttachKeys() = default;
  virtual int fd() const = 0;  // readable when next() has a key; -1: no keyboard
  virtual Key next() = 0;
  // Shows the menu of keys, with the state of `watch`. Called once everything is started.
  virtual void show(WatchState state) = 0;
  virtual void close() = 0;  // no more keys: other output follows
};

struct AttachOptions {
  std::set<std::string> services;   // whose output is shown
  std::set<std::string> named{};    // services the user named: `up` returns when they have ended; empty: all
  std::set<std::string> stopped{};  // services to stop when the user wants to stop; empty: all
  AbortOn abort = AbortOn::nothing;
  std::string exit_code_from;
  LogSink* sink = nullptr;
  const ReactOptions* react = nullptr;  // how changes are handled; null: `watch` is unavailable
  Rebuilds rebuilds = Rebuilds::allowed;
  bool watch = false;  // on from the start
  AttachKeys* keys = nullptr;
  std::function<void()> settled{};  // called once everything is started: other commands may change the project now
  std::function<void(const std::string& line)> say;           // to standard output
  std::function<void(const std::string& line)> say_aborting;  // to standard error
};
// Starts the project and shows its output until all containers have ended or the user stops it. Returns the exit
// status.
Result<int> up_attached(Session& session, const UpOptions& options, const AttachOptions& attach);

}  // namespace consort::project
