// The socket of a project's own API, which containers of the project can have mounted (docs/decisions/0144).
#pragma once

namespace consort::engine {

// Source of a bind: that socket. It is no path, so no file means it by accident.
inline constexpr const char* project_api = "api-socket";

}  // namespace consort::engine
