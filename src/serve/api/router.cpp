#include "serve/api/router.hpp"

#include <algorithm>
#include <charconv>

#include "base/os/files/reserve.hpp"
#include "base/strings.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

// "/v1.51/containers/json": removes the version. nullopt: the path has none.
std::optional<unsigned> take_version(std::string_view& path) {
  if (!path.starts_with("/v1.")) return std::nullopt;
  unsigned minor = 0;
  const char* end = path.data() + path.size();
  const auto [stopped, failed] = std::from_chars(path.data() + 4, end, minor);
  if (failed != std::errc() || stopped == end || *stopped != '/') return std::nullopt;
  path.remove_prefix(static_cast<std::size_t>(stopped - path.data()));
  return minor;
}

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);  // "/"
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

// "{name...}" takes as many segments as the rest of the pattern leaves.
bool match(std::string_view pattern, std::string_view path, Call::Variables& variables) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view part = take_segment(pattern);
    if (part.ends_with("...}")) {
      const std::size_t behind = static_cast<std::size_t>(std::ranges::count(pattern, '/'));
      std::size_t end = path.size();
      for (std::size_t i = 0; i < behind; ++i) {
        end = path.rfind('/', end == 0 ? 0 : end - 1);
        if (end == std::string_view::npos || end == 0) return false;
      }
      const std::string_view value = path.substr(1, end - 1);
      if (value.empty()) return false;
      variables.emplace_back(part.substr(1, part.size() - 5), http::percent_decode(value, http::Plus::is_plus));
      path.remove_prefix(end);
      continue;
    }
    const std::string_view segment = take_segment(path);
    if (part.starts_with('{')) {
      if (segment.empty()) return false;
      variables.emplace_back(part.substr(1, part.size() - 2), http::percent_decode(segment, http::Plus::is_plus));
    } else if (part != segment) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

struct Found {
  const Route* route = nullptr;
  Call::Variables variables;
};

Found find_route(std::string_view method, std::string_view path) {
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) {
      Found found{.route = &route, .variables = {}};
      if (route.method == method && match(route.pattern, path, found.variables)) return found;
    }
  return {};
}

// "//x", "/a/./b", "/a/../b": the normalised path.
std::optional<std::string> cleaned(std::string_view path) {
  std::vector<std::string_view> parts;
  bool clean = true;
  std::string_view rest = path;
  while (!rest.empty() && rest.front() == '/') {
    const std::string_view part = take_segment(rest);
    if (part.empty() ? !rest.empty() : part == "." || part == "..") clean = false;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  if (clean) return std::nullopt;
  std::string text;
  for (const std::string_view part : parts) text.append("/").append(part);
  return text.empty() ? "/" : text;
}

Result<> check_version(unsigned minor, Call& call) {
  const std::string asked = "client version 1." + std::to_string(minor);
  if (minor < Service::oldest_version) {
    const std::string message = asked + " is too old. Minimum supported API version is 1." +
                                std::to_string(Service::oldest_version) +
                                ", please upgrade your client to a newer version";
    return call.text(400, message);
  }
  if (minor > Service::newest_version)
    return fail(http_error(
        400, asked + " is too new. Maximum supported API version is 1." + std::to_string(Service::newest_version)));
  return {};
}

// On a full disk these calls free space, and they need some themselves.
bool makes_room(const Route& route) {
  constexpr std::string_view ends[] = {"/kill", "/prune", "/stop"};
  return route.method == "DELETE" ||
         std::ranges::any_of(ends, [&](std::string_view end) { return route.pattern.ends_with(end); });
}

Result<> dispatch(Call& call) {
  const http::Request& request = call.request();
  std::string_view path = request.path;
  if (const auto better = cleaned(path)) {
    call.add_header("Location", *better);
    return call.empty(301);
  }
  const auto minor = take_version(path);
  if (minor) {
    TRY(check_version(*minor, call));
    if (call.answered()) return {};
  }
  Found found = find_route(request.method, path);
  if (!found.route) return fail(http_error(404, "page not found"));
  call.set_route(std::move(found.variables), minor.value_or(Service::newest_version));
  if (found.route->access != Access::look && call.service().options().read_only) {
    return fail(http_error(403, "this socket is read-only (consort serve --read-only): " + request.method + " " +
                                    std::string(path) + " is refused"));
  }
  if (const std::string& project = call.service().options().project;
      !project.empty() && found.route->reach != Reach::project) {
    return fail(http_error(403, "this socket is for project " + project + " only (consort serve --project): " +
                                    request.method + " " + std::string(path) + " is refused"));
  }
  if (found.route->access != Access::look) {
    const Reserve reserve(call.service().roots().data);
    makes_room(*found.route) ? reserve.give_up_if_full() : reserve.keep();
  }
  return found.route->handler(call);
}

}  // namespace

Result<> answer(Service& service, http::Connection& connection, const http::Request& request) {
  Call call(service, connection, request);
  Result<> outcome = dispatch(call);
  if (outcome && !call.answered()) outcome = fail(Code::internal, "no handler answered " + request.path);
  if (outcome) return {};
  if (call.answered()) return outcome;  // broken off: the client sees that by the end of the connection
  return call.error(outcome.error());
}

}  // namespace consort::serve
