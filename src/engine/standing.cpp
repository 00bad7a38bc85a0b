#include "engine/standing.hpp"

#include "supervisor/standing.hpp"

namespace consort::engine {

std::optional<Error> stopped_supervisor(const Engine& engine, const std::string& project) {
  return supervisor::who_is_stopped(engine.roots(), project);
}

}  // namespace consort::engine
