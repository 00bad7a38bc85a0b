// Converts a build's progress to the status stream: vertices, their logs and their statuses.
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

// Thread-safe. The job is borrowed.
class ProgressFeed {
 public:
  // scope: distinguishes the steps of several builds that are reported as one job.
  explicit ProgressFeed(Job& job, std::string scope = {}) : job_(job), scope_(std::move(scope)) {}

  void take(const build::ProgressEvent& event);
  // Reports the build checks along with the step that read its Dockerfile.
  void warn(const build::BuildResult& result, const std::string& file);

  // A step outside the builder, such as a transfer from the client. Its destructor reports it as failed unless it has
  // ended.
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
    void part(const std::string& what);  // reports a part that is done
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

  // Reports a completed transfer once the builder's own steps start, or by show_pending(): for transfers that happen
  // earlier than in BuildKit.
  void pend(std::string name, std::string part, std::uint64_t bytes);
  void show_pending();

  // Hides a step of the builder that one of our own steps already shows.
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
  std::map<int, wire::Vertex> vertices_;  // by the builder's step number
  std::map<int, std::size_t> log_bytes_;  // likewise
  int total_ = 0, cached_ = 0;
};

wire::Time wire_time(SystemTime time);

}  // namespace consort::buildkit
