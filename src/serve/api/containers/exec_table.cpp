#include "serve/api/containers/exec_table.hpp"

#include <poll.h>

#include <algorithm>

#include "base/strings.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

Result<> ExecInstance::begin() {
  const std::scoped_lock lock(mutex_);
  if (begun_) return fail(http_error(409, "Error: Exec command has already run"));
  begun_ = true;
  return {};
}

void ExecInstance::started(std::shared_ptr<engine::Exec> exec) {
  const std::scoped_lock lock(mutex_);
  pid_ = exec->pid();
  exec_ = std::move(exec);
  decided_.notify_all();
}

void ExecInstance::failed(int exit_code) {
  end(exit_code);
}

void ExecInstance::end(int exit_code) {
  const std::scoped_lock lock(mutex_);
  if (!exit_code_) exit_code_ = exit_code;
  exec_.reset();
  decided_.notify_all();
}

ExecInstance::State ExecInstance::state() {
  const std::scoped_lock lock(mutex_);
  if (exec_) {
    pollfd ended{exec_->fd(), POLLIN, 0};
    if (::poll(&ended, 1, 0) > 0) {
      exit_code_ = exec_->wait().value_or(-1);
      exec_.reset();
    }
  }
  return {.running = exec_ != nullptr, .exit_code = exit_code_, .pid = exec_ ? pid_ : 0};
}

std::shared_ptr<engine::Exec> ExecInstance::exec(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  decided_.wait_for(lock, patience, [this] { return exec_ || exit_code_; });
  return exec_;
}

std::string ExecTable::add(std::shared_ptr<ExecInstance> instance) {
  std::string id = random_id();
  const std::scoped_lock lock(mutex_);
  if (instances_.size() >= most) forget_some();
  instances_.emplace(id, std::move(instance));
  order_.push_back(id);
  return id;
}

// The older half, except those that are running.
void ExecTable::forget_some() {
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const auto found = instances_.find(order_[i]);
    if (i < order_.size() / 2 && !found->second->state().running)
      instances_.erase(found);
    else
      kept.push_back(order_[i]);
  }
  order_ = std::move(kept);
}

Result<std::shared_ptr<ExecInstance>> ExecTable::find(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = instances_.lower_bound(id);
  if (id.empty() || found == instances_.end() || !found->first.starts_with(id))
    return fail(http_error(404, "No such exec instance: " + id));
  return found->second;
}

std::vector<std::string> ExecTable::running_in(const std::string& container_id) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, instance] : instances_)
    if (instance->container_id == container_id && instance->state().running) ids.push_back(id);
  return ids;
}

}  // namespace consort::serve
