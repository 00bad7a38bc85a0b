// For builds from buildx and Docker Compose: connections that leave HTTP/1.1 and belong to buildkit/ from then on.
#include "buildkit/service.hpp"

#include "base/strings.hpp"
#include "serve/api/call.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

Result<http::Connection::Raw> take_over(Call& call) {
  // Image names belong to the whole machine, and so does what a step may see of it.
  if (const std::string& project = call.service().options().project; !project.empty())
    return fail(
        http_error(403, "this socket is for the containers of project " + project + ": it cannot build images"));
  if (!call.request().header_has("upgrade", "h2c")) return fail(http_error(400, "no upgrade proto in request"));
  return call.upgrade({.type = {}, .protocol = "h2c"});
}

Result<> control(Call& call) {
  buildkit::Service& service = *TRY(call.service().buildkit());
  auto raw = TRY(take_over(call));
  return service.serve_control(std::move(raw.socket), std::move(raw.early));
}

Result<> session(Call& call) {
  buildkit::SessionRequest request;
  request.id = call.request().header("x-docker-expose-session-uuid");
  if (request.id.empty()) return fail(http_error(400, "a session needs X-Docker-Expose-Session-Uuid"));
  const std::string methods(call.request().header("x-docker-expose-session-grpc-method"));
  for (const std::string& method : split(methods, ',')) request.methods.emplace_back(trim(method));
  buildkit::Service& service = *TRY(call.service().buildkit());
  auto raw = TRY(take_over(call));
  return service.serve_session(std::move(raw.socket), std::move(raw.early), request);
}

constexpr Route table[] = {
    {"POST", "/grpc", control},
    {"POST", "/session", session},
};

}  // namespace

std::span<const Route> buildkit_routes() {
  return table;
}

}  // namespace consort::serve
