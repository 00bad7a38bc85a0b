// From a path to the function that answers it. Each file of endpoints has one function of its own that gives its table;
// routes.cpp lists those files, and nothing else has to be touched to add one:
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

// What a socket lets through: one that is only for looking (--read-only) answers 403 to everything else.
enum class Access : std::uint8_t {
  look,    // states, logs, figures
  change,  // whatever changes something, runs something, or gives out files of a container
};

// How far a call reaches. A socket that is limited to a project (--project) answers 403 to what is not `project`.
enum class Reach : std::uint8_t {
  machine,  // images, builds, registries, and whatever nobody has looked at with a limited socket in mind
  project,  // its handler shows and touches nothing but what is the project's: Service::shows(), limits.hpp
};

struct Route {
  std::string_view method;   // as with Docker, a GET does not answer HEAD: its answer may be a stream
  std::string_view pattern;  // "/containers/{id}/json"; "{name...}" takes slashes, too: names of images
  Handler handler;
  Access access = Access::change;
  Reach reach = Reach::machine;
};

// Every table, in the order in which they are asked.
std::span<const std::span<const Route>> all_routes();

// Answers the request, whatever it is; an error says that the connection cannot go on.
Result<> answer(Service& service, http::Connection& connection, const http::Request& request);

}  // namespace consort::serve
