// What a build tells, in the words of the status stream: vertices, their logs, their parts.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "buildkit/solve/job.hpp"
#include "engine/builds.hpp"

namespace consort::buildkit {

// Any thread.
class ProgressFeed {
 public:
  // scope: tells steps of several builds apart that are told as one job's.
  explicit ProgressFeed(Job& job, std::string scope = {}) : job_(job), scope_(std::move(scope)) {}

  void take(const build::ProgressEvent& event);
  // The build's checks, next to the step that read its Dockerfile.
  void warn(const build::BuildResult& result, const std::string& file);

  // A step that is ours and not the builder's: what is fetched from the client. Ends, as failed, with its owner.
  class Step {
   public:
    Step(ProgressFeed& feed, const std::string& name);
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step();
    void transferred(std::uint64_t bytes);  // of `what`, so far
    void transfer(std::string what, std::string verb = "transferring") {
      what_ = verb.empty() ? std::move(what) : verb + " " + what;
    }
    void part(const std::string& what);  // that is done
    void done();
    void failed(const std::string& why);

   private:
    void send_transfer(bool complete);
    ProgressFeed& feed_;
    wire::Vertex vertex_;
    std::string what_;
    wire::Time began_;
    std::uint64_t bytes_ = 0;
    SystemTime last_{};
    bool ended_ = false;
  };

  // Shown once the builder's own steps begin, or by show_pending(): what was fetched earlier than Docker does it.
  void pend(std::string name, std::string part, std::uint64_t bytes);
  void show_pending();

  // Steps of the builder that are shown by ours.
  void hide(std::string title) { hidden_.insert(std::move(title)); }
  int steps() const { return total_; }
  int cached_steps() const { return cached_; }

 private:
  std::string digest_of(std::string_view name) const;
  void tell_parts(const build::ProgressEvent& event, wire::StatusResponse& status);

  Job& job_;
  std::mutex mutex_;
  std::string scope_;
  std::set<std::string> hidden_;
  std::string pending_, pending_part_;
  std::uint64_t pending_bytes_ = 0;
  std::map<int, wire::Vertex> vertices_;  // by the builder's numbers
  std::map<int, std::size_t> log_bytes_;  // likewise
  int total_ = 0, cached_ = 0;
};

wire::Time wire_time(SystemTime time);

}  // namespace consort::buildkit
