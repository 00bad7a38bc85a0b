#include "serve/api/service.hpp"

#include "base/version.hpp"
#include "buildkit/service.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

Service::Service(Roots roots, ServerOptions options)
    : roots_(std::move(roots)),
      options_(std::move(options)),
      server_name_("Consort/" + std::string(version) + " (linux)"),
      reaper_(roots_) {}

Service::~Service() = default;

bool Service::take_body_room(std::size_t bytes) {
  std::size_t left = body_room_.load();
  do {
    if (bytes > left) return false;
  } while (!body_room_.compare_exchange_weak(left, left - bytes));
  return true;
}

Result<buildkit::Service*> Service::buildkit() {
  const std::scoped_lock lock(buildkit_mutex_);
  if (!buildkit_) {
    buildkit_engine_ = TRY(engine::Engine::open(roots_));
    buildkit_ = std::make_unique<buildkit::Service>(*buildkit_engine_);
  }
  return buildkit_.get();
}

}  // namespace consort::serve
