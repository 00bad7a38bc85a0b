// Whether there is somebody who could tell of a container's end.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Code::busy, which names the process and what resumes it: the project's supervisor or its keeper is stopped (SIGSTOP).
std::optional<Error> stopped_supervisor(const Engine& engine, const std::string& project);

}  // namespace consort::engine
