// The socket of a project's own API, which containers of the project can have mounted: docs/decisions/0144.
#pragma once

namespace consort::engine {

// Source of a bind mount that stands for that socket. It is not an absolute path, so no file can be meant by accident.
inline constexpr const char* project_api = "api-socket";

}  // namespace consort::engine
