#include "engine/start/ahead.hpp"

#include <utility>

namespace consort::engine {

void Ahead::begin(supervisor::Client client) {
  const std::scoped_lock lock(mutex_);
  if (client_) return;
  client_ = std::move(client);
  thread_ = std::jthread([this] { (void)client_->ensure(); });
}

Ahead::~Ahead() {
  if (!client_) return;
  thread_.join();
  if (!used_) (void)client_->end();
}

}  // namespace consort::engine
