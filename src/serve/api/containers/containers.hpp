// Code shared by the endpoints for containers.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

// The container in the path ("{id}"): 404 if there is none or this socket does not show it.
Result<engine::ContainerDetails> find_container(Call& call);
Result<engine::ContainerDetails> find_container(Call& call, const std::string& name);

// What the client that made the container has said and the engine has no part in: {"Config":{...},"HostConfig":{...},
// "EndpointsConfig":{...}} as it came. An empty object for a container that was not made through the API.
Json client_note(Call& call, const engine::ContainerDetails& container);
Result<> keep_client_note(Call& call, const engine::ContainerDetails& container, const Json& note);

// Sizes in bytes for size=1: of the container's own files, and of those plus its image.
struct ContainerSize {
  std::uint64_t own = 0, whole = 0;
};
ContainerSize size_of(engine::Engine& engine, const engine::Container& container);

// Docker's words around why a container did not start, which people search for: "exec: ..." with all that led to it.
std::string start_failure(const std::string& why);

// h= and w= of a resize.
Result<engine::TerminalSize> terminal_size(Call& call);

}  // namespace consort::serve
