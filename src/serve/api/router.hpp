// Maps paths to the functions that answer them. Each file of endpoints defines its table and a function that returns
// it; routes.cpp lists these functions, and nothing else needs to change to add a file:
//
//   Result<> inspect_network(Call& call) {
//     engine::Engine& engine = *TRY(call.engine());
//     return call.json(200, shape(TRY(engine.inspect_network(call.variable("name")))));
//   }
//   constexpr Route table[] = {{"GET", "/networks/{name}", inspect_network, Access::look, Reach::project}};
//   std::span<const Route> network_routes() { return table; }
#pragma once

#include <span>
#include <string_view>

#include "serve/api/call.hpp"

namespace consort::serve {

using Handler = Result<> (*)(Call& call);

// What a socket allows: with --read-only, everything but `look` is answered with 403.
enum class Access : std::uint8_t {
  look,    // states, logs, statistics
  change,  // changes or runs something, or returns files of a container
};

// How far a call reaches. A socket for one project (--project) answers everything but `project` with 403.
enum class Reach : std::uint8_t {
  machine,  // images, builds, registries, and calls not checked for such sockets
  project,  // shows and changes only what belongs to the project: Service::shows(), limits.hpp
};

struct Route {
  std::string_view method;   // as in Docker, GET does not handle HEAD: its answer may be a stream
  std::string_view pattern;  // "/containers/{id}/json"; "{name...}" also matches slashes, for image names
  Handler handler;
  Access access = Access::change;
  Reach reach = Reach::machine;
};

// Every table, in the order in which they are searched.
std::span<const std::span<const Route>> all_routes();

// Answers any request; an error means that the connection cannot be used any more.
Result<> answer(Service& service, http::Connection& connection, const http::Request& request);

}  // namespace consort::serve
