// up, create and scale: images first, then everything else.
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

// What is on this machine of the images that the project names.
Result<std::map<std::string, LocalImage>> local_images(Session& session);
Result<> ensure_images(Session& session, const ImageOptions& options, const RunDetail& detail);

// The session's project must be selected already (compose::project_with_services).
Result<> bring_up(Session& session, const UpOptions& options);

enum class AbortOn : std::uint8_t { nothing, exit, failure };

enum class WatchState : std::uint8_t { off, on };

// What the user types while containers are shown.
class AttachKeys {
 public:
  enum class Key : std::uint8_t { none, watch, detach };
  virtual ~AttachKeys() = default;
  virtual int fd() const = 0;  // readable when next() has something; -1: nobody types
  virtual Key next() = 0;
  // Everything is started, and whether changes are watched.
  virtual void show(WatchState state) = 0;
  virtual void close() = 0;  // no more keys: something else is shown from here on
};

struct AttachOptions {
  std::set<std::string> services;   // whose output is shown
  std::set<std::string> named{};    // which the user asked for: when they have ended it is over; empty: all
  std::set<std::string> stopped{};  // which are stopped when the user wants to stop; empty: all
  AbortOn abort = AbortOn::nothing;
  std::string exit_code_from;
  LogSink* sink = nullptr;
  const ReactOptions* react = nullptr;  // how changes are followed; null: they are not, whoever wants it
  Rebuilds rebuilds = Rebuilds::allowed;
  bool watch = false;  // from the start on
  AttachKeys* keys = nullptr;
  std::function<void()> settled{};                   // everything is started: others may change the project now
  std::function<void(const std::string& line)> say;  // to standard output
  std::function<void(const std::string& line)> say_aborting;  // to standard error
};
// Brings up and stays, showing output, until all has ended or the user stops it. The value is the exit status.
Result<int> up_attached(Session& session, const UpOptions& options, const AttachOptions& attach);

}  // namespace consort::project
