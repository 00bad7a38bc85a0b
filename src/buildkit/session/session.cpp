#include "buildkit/session/session.hpp"

#include <chrono>

namespace consort::buildkit {
namespace {

constexpr std::chrono::seconds patience{20};

}  // namespace

void Sessions::add(const std::shared_ptr<Session>& session) {
  const std::scoped_lock lock(mutex_);
  sessions_[session->id()] = session;
  changed_.notify_all();
}

// Another session with the same id may have replaced it.
void Sessions::remove(const std::shared_ptr<Session>& session) {
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(session->id());
  if (found != sessions_.end() && found->second == session) sessions_.erase(found);
}

Result<std::shared_ptr<Session>> Sessions::wait_for(const std::string& id, std::stop_token cancel) {
  std::unique_lock lock(mutex_);
  const bool here = changed_.wait_for(lock, cancel, patience, [&] { return sessions_.contains(id); });
  if (here) return sessions_.at(id);
  if (cancel.stop_requested()) return fail(Error(Code::interrupted).why("context canceled"));
  return fail(Error(Code::not_found).why("no active session for " + id));
}

}  // namespace consort::buildkit
