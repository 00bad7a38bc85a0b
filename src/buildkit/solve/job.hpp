// One build as its client sees it: what was asked for, what it tells while it runs, and how it ended. The client speaks
// of it in several calls at a time (Solve, Status, the bridge's), by a reference of its own choice.
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

// Any thread.
class Job {
 public:
  explicit Job(std::string reference) : reference_(std::move(reference)) {}

  const std::string& reference() const { return reference_; }

  // The request of Control.Solve. The other calls may come before it: they wait. False: there was one before.
  bool begin(const wire::SolveRequest& request);
  bool begun() const;
  Result<wire::SolveRequest> wait_for_request(const std::stop_token& cancel);

  // What the bridge was asked to solve; the client names it by the id that this gives. Nothing is built yet.
  Result<std::string> add_result(const wire::BridgeSolveRequest& request);
  std::optional<wire::BridgeSolveRequest> result(const std::string& id) const;
  // What the build made of a result that was to be an image. Told before end().
  void made(const std::string& result, const std::string& image_id);
  // Once the build has ended; nullopt: no image of this result is kept.
  Result<std::optional<std::string>> wait_for_image(const std::string& result, const std::stop_token& cancel);
  // The client's last word at the bridge.
  void give_back(const wire::ReturnRequest& request);
  Result<wire::ReturnRequest> wait_for_return(const std::stop_token& cancel);

  // For the status stream. Logs are dropped, with a note, while far too many wait to be read.
  void tell(const wire::StatusResponse& status);
  void end();
  // The next one; nullopt: the build has ended and all is told.
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
  std::map<std::string, std::string> images_;  // ids, by result
  std::deque<std::string> statuses_;
  std::size_t status_bytes_ = 0;
  bool ended_ = false;
};

// The builds that are under way, and how the last ones ended.
class Jobs {
 public:
  // Made with its first mention. Code::busy: there are too many.
  Result<std::shared_ptr<Job>> open(const std::string& reference);
  // A call that may have made it has ended: if no build ever began, it is forgotten.
  void release(const std::shared_ptr<Job>& job);
  std::shared_ptr<Job> find(const std::string& reference) const;  // null: not there
  // Ended ones stay for their last readers, and for builds that begin with their results, until too many others came.
  // record: null, if nobody is to hear of it.
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
