// GET /events: past and current events on the whole machine.
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/time_range.hpp"
#include "engine/events.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

using engine::EngineEvent;

constexpr std::array<std::string_view, 14> known_filters{"config", "container", "daemon", "event",  "image",
                                                         "label",  "network",   "node",   "plugin", "scope",
                                                         "secret", "service",   "type",   "volume"};

const std::string& attribute(const EngineEvent& event, const std::string& key) {
  static const std::string none;
  const auto found = event.attributes.find(key);
  return found == event.attributes.end() ? none : found->second;
}

bool names(const EngineEvent& event, std::string_view type, const std::string& wanted) {
  if (event.type == type)
    return event.id == wanted || attribute(event, "name") == wanted ||
           (!wanted.empty() && event.id.starts_with(wanted));
  return false;
}

bool image_is(const EngineEvent& event, const std::string& wanted) {
  const auto matches = [&](const std::string& text) {
    return text == wanted || text.substr(0, text.find(':')) == wanted;
  };
  if (event.type == "image") return matches(event.id) || matches(attribute(event, "name"));
  return event.type == "container" && matches(attribute(event, "image"));
}

class Selection {
 public:
  static Result<Selection> of(Call& call) {
    Selection selection;
    selection.filters_ = TRY(Filters::of(call, known_filters));
    selection.project_ = call.service().options().project;
    selection.since_ = TRY(parse_moment("since", call.query("since")));
    selection.until_ = TRY(parse_moment("until", call.query("until")));
    if (selection.since_ && selection.until_ && *selection.until_ < *selection.since_)
      return fail(http_error(400, "`since` time (" + call.query("since") + ") cannot be after `until` time (" +
                                      call.query("until") + ")"));
    return selection;
  }

  bool takes(const EngineEvent& event) const {
    if (!project_.empty() && event.project != project_) return false;
    if ((since_ && event.time < *since_) || (until_ && event.time > *until_)) return false;
    const auto of = [&](const char* type) {
      return filters_.any(type, [&](const std::string& wanted) { return names(event, type, wanted); });
    };
    // "exec_create: sh -c true" is the event exec_create, and "health_status: healthy" is both.
    const auto is_action = [&](const std::string& wanted) {
      return event.action == wanted || event.action.substr(0, event.action.find(':')) == wanted;
    };
    return filters_.exact("type", event.type) && filters_.any("event", is_action) && of("container") && of("network") &&
           of("volume") && filters_.exact("scope", "local") && filters_.labels(event.attributes) &&
           filters_.any("image", [&](const std::string& wanted) { return image_is(event, wanted); });
  }
  bool from_the_past() const { return since_.has_value(); }
  const std::optional<SystemTime>& until() const { return until_; }

 private:
  Filters filters_;
  std::string project_;
  std::optional<SystemTime> since_, until_;
};

Json event_shape(const EngineEvent& event) {
  Json shape = Json::object();
  if (event.type == "container" || event.type == "image") {
    shape["status"] = event.action;
    shape["id"] = event.id;
  }
  if (event.type == "container") shape["from"] = attribute(event, "image");
  shape["Type"] = event.type;
  shape["Action"] = event.action;
  shape["Actor"] = {{"ID", event.id}, {"Attributes", map_of(event.attributes)}};
  shape["scope"] = "local";
  shape["time"] = unix_seconds(event.time);
  shape["timeNano"] = event.time.time_since_epoch().count();
  return shape;
}

// Milliseconds until the requested end; -1: there is none.
int time_left(const std::optional<SystemTime>& until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_between(system_now(), *until)).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

Result<> events(Call& call) {
  const Selection selection = TRY(Selection::of(call));
  engine::EventStream stream = TRY(call.engine())->events();
  const bool ended_already = time_left(selection.until()) == 0;
  if (!selection.from_the_past() && !ended_already) TRY(stream.skip_to_now());
  BodyStream body = TRY(call.stream(content::json));
  while (true) {
    std::string lines;
    for (const EngineEvent& event : TRY(stream.next()))
      if (selection.takes(event)) lines += dump_json(event_shape(event)) + "\n";
    TRY(body.write(lines));
    const int limit = time_left(selection.until());
    if (limit == 0) return body.finish();
    std::array<pollfd, 2> fds{pollfd{stream.fd(), POLLIN, 0}, pollfd{call.client_fd(), 0, 0}};
    if (::poll(fds.data(), fds.size(), limit) < 0 && errno != EINTR) return fail_errno("poll");
    if ((fds[1].revents & (POLLHUP | POLLERR)) != 0) return fail(Code::io, "tell events: the client has gone");
  }
}

constexpr Route table[] = {{"GET", "/events", events, Access::look, Reach::project}};

}  // namespace

std::span<const Route> event_routes() {
  return table;
}

}  // namespace consort::serve
