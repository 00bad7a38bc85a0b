#include "buildkit/solve/job.hpp"

#include "base/strings.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t max_status_bytes = std::size_t{8} << 20;
constexpr std::size_t max_jobs = 256;
constexpr std::size_t max_results = 16;  // per build
constexpr std::size_t kept_jobs = 16;
constexpr std::size_t kept_records = 50;

}  // namespace

template <typename Condition>
Result<> Job::wait(std::unique_lock<std::mutex>& lock, const std::stop_token& cancel, Condition condition) {
  if (changed_.wait(lock, cancel, condition)) return {};
  return fail(Error(Code::interrupted).why("context canceled"));
}

bool Job::begin(const wire::SolveRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (request_) return false;
  request_ = request;
  changed_.notify_all();
  return true;
}

bool Job::begun() const {
  const std::scoped_lock lock(mutex_);
  return request_.has_value();
}

Result<wire::SolveRequest> Job::wait_for_request(const std::stop_token& cancel) {
  std::unique_lock lock(mutex_);
  TRY(wait(lock, cancel, [&] { return request_.has_value(); }));
  return *request_;
}

Result<std::string> Job::add_result(const wire::BridgeSolveRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (results_.size() >= max_results) return fail(Error(Code::busy).why("too many results of one build"));
  std::string id = random_id().substr(0, 25);
  results_[id] = request;
  return id;
}

std::optional<wire::BridgeSolveRequest> Job::result(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = results_.find(id);
  if (found == results_.end()) return std::nullopt;
  return found->second;
}

void Job::made(const std::string& result, const std::string& image_id) {
  const std::scoped_lock lock(mutex_);
  images_[result] = image_id;
}

Result<std::optional<std::string>> Job::wait_for_image(const std::string& result, const std::stop_token& cancel) {
  std::unique_lock lock(mutex_);
  TRY(wait(lock, cancel, [&] { return ended_; }));
  const auto found = images_.find(result);
  if (found == images_.end()) return std::nullopt;
  return found->second;
}

void Job::give_back(const wire::ReturnRequest& request) {
  const std::scoped_lock lock(mutex_);
  if (!returned_) returned_ = request;
  changed_.notify_all();
}

Result<wire::ReturnRequest> Job::wait_for_return(const std::stop_token& cancel) {
  std::unique_lock lock(mutex_);
  TRY(wait(lock, cancel, [&] { return returned_.has_value(); }));
  return *returned_;
}

void Job::tell(const wire::StatusResponse& status) {
  const std::scoped_lock lock(mutex_);
  if (ended_) return;
  if (status_bytes_ > max_status_bytes && status.vertexes().empty()) return;
  statuses_.push_back(status.SerializeAsString());
  status_bytes_ += statuses_.back().size();
  changed_.notify_all();
}

void Job::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

Result<std::optional<std::string>> Job::next_status(const std::stop_token& cancel) {
  std::unique_lock lock(mutex_);
  TRY(wait(lock, cancel, [&] { return !statuses_.empty() || ended_; }));
  if (statuses_.empty()) return std::nullopt;
  std::string next = std::move(statuses_.front());
  statuses_.pop_front();
  status_bytes_ -= next.size();
  return next;
}

bool Job::ended() const {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

Result<std::shared_ptr<Job>> Jobs::open(const std::string& reference) {
  if (reference.empty()) return fail(Error(Code::invalid).why("a build has a reference"));
  const std::scoped_lock lock(mutex_);
  auto found = jobs_.find(reference);
  if (found == jobs_.end()) {
    if (jobs_.size() >= max_jobs) return fail(Error(Code::busy).why("too many builds at the same time"));
    found = jobs_.emplace(reference, std::make_shared<Job>(reference)).first;
  }
  return found->second;
}

void Jobs::release(const std::shared_ptr<Job>& job) {
  const std::scoped_lock lock(mutex_);
  const auto found = jobs_.find(job->reference());
  // Our reference and the table's: another call that waits for the build has one as well.
  const bool unused = found != jobs_.end() && found->second == job && job.use_count() == 2;
  if (unused && !job->begun()) jobs_.erase(found);
}

std::shared_ptr<Job> Jobs::find(const std::string& reference) const {
  const std::scoped_lock lock(mutex_);
  const auto found = jobs_.find(reference);
  return found == jobs_.end() ? nullptr : found->second;
}

void Jobs::finish(const std::shared_ptr<Job>& job, const wire::BuildHistoryRecord* record) {
  job->end();
  const std::scoped_lock lock(mutex_);
  ended_.push_back(job->reference());
  if (ended_.size() > kept_jobs) {
    jobs_.erase(ended_.front());
    ended_.pop_front();
  }
  if (!record) return;
  history_.push_back(*record);
  if (history_.size() > kept_records) history_.pop_front();
}

std::vector<wire::BuildHistoryRecord> Jobs::history() const {
  const std::scoped_lock lock(mutex_);
  return {history_.begin(), history_.end()};
}

void Jobs::forget(const std::string& reference) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(history_, [&](const wire::BuildHistoryRecord& record) { return record.ref() == reference; });
}

}  // namespace consort::buildkit
