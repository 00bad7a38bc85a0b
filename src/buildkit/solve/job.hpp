// One build from its client's point of view: the request, its progress, and its outcome. The client refers to it in
// several concurrent calls (Solve, Status, those of the bridge) by a reference that it chooses.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "bridge.pb.h"
#include "control.pb.h"

#include "base/error.hpp"
#include "base/time.hpp"
#include "buildkit/rpc/status.hpp"

namespace consort::buildkit {

// Thread-safe.
class Job {
 public:
  explicit Job(std::string reference) : reference_(std::move(reference)) {}

  const std::string& reference() const { return reference_; }

  // The request of Control.Solve. Other calls may arrive earlier and wait for it. False: there was already a request.
  bool begin(const wire::SolveRequest& request);
  bool begun() const;
  Result<wire::SolveRequest> wait_for_request(const std::stop_token& cancel);

  // Registers what the bridge was asked to solve, and returns an ID that the client uses for it. Builds nothing yet.
  Result<std::string> add_result(const wire::BridgeSolveRequest& request);
  std::optional<wire::BridgeSolveRequest> result(const std::string& id) const;
  // Records the image built for a result. Called before end().
  void made(const std::string& result, const std::string& image_id);
  // Waits for the build to end; nullopt: it produced no image for this result.
  Result<std::optional<std::string>> wait_for_image(const std::string& result, const std::stop_token& cancel);
  // The client's final message over the bridge.
  void give_back(const wire::ReturnRequest& request);
  Result<wire::ReturnRequest> wait_for_return(const std::stop_token& cancel);

  // For the status stream. If far too many messages are waiting to be read, logs are dropped, with a note.
  void tell(const wire::StatusResponse& status);
  void end();
  // The next message; nullopt: the build has ended and everything has been delivered.
  Result<std::optional<std::string>> next_status(const std::stop_token& cancel);
  bool ended() const;

 private:
  template <typename Condition>
  Result<> wait(std::unique_lock<std::mutex>& lock, const std::stop_token& cancel, Condition condition);

  std::string reference_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<wire::SolveRequest> request_;
  std::optional<wire::ReturnRequest> returned_;
  std::map<std::string, wire::BridgeSolveRequest> results_;
  std::map<std::string, std::string> images_;  // image IDs by result
  std::deque<std::string> statuses_;
  std::size_t status_bytes_ = 0;
  bool ended_ = false;
};

// The builds in progress, and the outcome of the latest ones. Thread-safe.
class Jobs {
 public:
  // Created when its reference is first used. Code::busy: there are too many.
  Result<std::shared_ptr<Job>> open(const std::string& reference);
  // Called when a call ends that may have created the job: if no build was started, the job is removed.
  void release(const std::shared_ptr<Job>& job);
  std::shared_ptr<Job> find(const std::string& reference) const;  // null: there is none
  // Ended jobs are kept, for clients that still read their status and for builds based on their results, until too many
  // newer ones have ended. record: null if the build does not belong in the history.
  void finish(const std::shared_ptr<Job>& job, const wire::BuildHistoryRecord* record);

  std::vector<wire::BuildHistoryRecord> history() const;  // oldest first
  void forget(const std::string& reference);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::deque<std::string> ended_;
  std::deque<wire::BuildHistoryRecord> history_;
};

}  // namespace consort::buildkit
