// GET /containers/json.
#include <algorithm>
#include <array>
#include <set>

#include "base/strings.hpp"
#include "engine/images.hpp"
#include "serve/api/containers/container_shape.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using engine::Container;

constexpr std::array<std::string_view, 16> known_filters{
    "ancestor", "before", "exited",  "expose",  "health", "id",     "is-task", "isolation",
    "label",    "name",   "network", "publish", "since",  "status", "volume",  "label!"};

constexpr std::array<std::string_view, 7> statuses{"created",  "running", "paused", "restarting",
                                                   "removing", "exited",  "dead"};
constexpr std::array<std::string_view, 4> healths{"none", "starting", "healthy", "unhealthy"};

std::string no_number(std::string_view function, std::string_view text) {
  return "strconv." + std::string(function) + ": parsing \"" + std::string(text) + "\": invalid syntax";
}

// "80", "80/udp", "80-90/tcp".
Result<> check_ports(const Filters& filters, const std::string& key) {
  for (const std::string& value : filters.values(key))
    for (const std::string& number : split(value.substr(0, value.find('/')), '-'))
      if (!parse_unsigned(number))
        return fail(
            http_error(400, "error while looking up for " + key + " " + value + ": " + no_number("ParseUint", number)));
  return {};
}

Result<> check_values(const Filters& filters) {
  for (const std::string& value : filters.values("status"))
    if (std::ranges::find(statuses, value) == statuses.end())
      return fail(http_error(400, "invalid filter 'status=" + value + "': invalid value for state (" + value +
                                      "): must be one of created, running, paused, restarting, removing, exited, "
                                      "dead"));
  for (const std::string& value : filters.values("health"))
    if (std::ranges::find(healths, value) == healths.end())
      return fail(http_error(400, "invalid filter 'health=" + value + "': invalid value for health (" + value +
                                      "): must be one of none, starting, healthy, unhealthy"));
  for (const std::string& value : filters.values("exited"))
    if (!parse_signed(value))
      return fail(http_error(400, "invalid filter 'exited=" + value + "': " + no_number("Atoi", value)));
  TRY(check_ports(filters, "expose"));
  return check_ports(filters, "publish");
}

// "8000", "8000/udp", "8000-8010/tcp".
bool names_port(const std::string& wanted, std::uint64_t port, std::string_view protocol) {
  const std::size_t slash = wanted.find('/');
  if ((slash == std::string::npos ? "tcp" : wanted.substr(slash + 1)) != protocol) return false;
  const std::string numbers = wanted.substr(0, slash);
  const std::size_t dash = numbers.find('-');
  const auto first = parse_unsigned(numbers.substr(0, dash));
  const auto last = dash == std::string::npos ? first : parse_unsigned(numbers.substr(dash + 1));
  return first && last && port >= *first && port <= *last;
}

bool exposes(const Container& container, const std::string& wanted) {
  return std::ranges::any_of(container.exposed, [&](const std::string& exposed) {
    const std::size_t slash = exposed.find('/');
    const auto number = parse_unsigned(exposed.substr(0, slash));
    return number && names_port(wanted, *number, slash == std::string::npos ? "tcp" : exposed.substr(slash + 1));
  });
}

bool publishes(const Container& container, const std::string& wanted) {
  return std::ranges::any_of(container.ports, [&](const engine::PortBinding& port) {
    return names_port(wanted, port.host_port, port.protocol);
  });
}

bool on_network(const Container& container, const std::string& wanted) {
  if (network_mode(container) == wanted) return true;
  return std::ranges::any_of(container.networks, [&](const engine::Endpoint& endpoint) {
    return endpoint.network == wanted || (!wanted.empty() && endpoint.network_id.starts_with(wanted));
  });
}

bool has_volume(const Container& container, const std::string& wanted) {
  return std::ranges::any_of(container.mounts, [&](const engine::MountPoint& mount) {
    return mount.name == wanted || mount.target == wanted || mount.source == wanted;
  });
}

// The images that `ancestor` means: the named ones, and those based on them, whose layers begin with theirs.
Result<std::set<std::string>> descendants(const engine::Images& images, const std::vector<std::string>& names) {
  std::set<std::string> ids;
  std::vector<std::vector<image::Digest>> roots;
  for (const std::string& name : names)
    if (const auto found = TRY(images.look_up(name))) {
      ids.insert(found->id);
      roots.push_back(TRY(images.config_of(*found)).diff_ids);
    }
  for (const image::Image& image : TRY(images.list())) {
    const auto config = images.config_of(image);
    if (!config) continue;
    for (const auto& root : roots)
      if (root.size() <= config->diff_ids.size() &&
          std::ranges::equal(root, std::span(config->diff_ids).first(root.size())))
        ids.insert(image.id);
  }
  return ids;
}

class Selection {
 public:
  static Result<Selection> of(Call& call, engine::Engine& engine) {
    Selection selection;
    selection.filters_ = TRY(Filters::of(call, known_filters));
    const Filters& filters = selection.filters_;
    TRY(check_values(filters));
    const auto limit = TRY(call.number("limit"));
    if (limit && *limit > 0) selection.limit_ = static_cast<std::size_t>(*limit);
    // Tasks are Swarm's, and there are none.
    selection.tasks_only_ = TRY(filters.boolean("is-task")).value_or(false);
    selection.all_ = call.flag("all") || selection.limit_ || filters.has("status") || filters.has("before") ||
                     filters.has("since") || filters.has("exited");
    if (filters.has("ancestor")) selection.images_ = TRY(descendants(engine.images(), filters.values("ancestor")));
    for (const auto& [key, time] : {std::pair("before", &selection.before_), std::pair("since", &selection.since_)})
      if (filters.has(key)) *time = TRY(find_container(call, filters.values(key).front())).created_at;
    return selection;
  }

  bool takes(const Container& c) const {
    if (tasks_only_ || (!all_ && !c.state.running())) return false;
    if (before_ && c.created_at >= *before_) return false;
    if (since_ && c.created_at <= *since_) return false;
    if (images_ && !images_->contains(c.image_id)) return false;
    const std::string health(to_string(c.state.health.status));
    const bool exits = filters_.any("exited", [&](const std::string& code) {
      return c.state.ended() && c.state.exit_code == parse_signed(code).value_or(-1);
    });
    const bool named =
        !filters_.has("name") || filters_.pattern("name", c.name) || filters_.pattern("name", "/" + c.name);
    return exits && named && filters_.pattern("id", c.id) && filters_.labels(c.labels) &&
           filters_.exact("status", std::string(to_string(c.state.status))) && filters_.exact("health", health) &&
           filters_.any("network", [&](const std::string& wanted) { return on_network(c, wanted); }) &&
           filters_.any("volume", [&](const std::string& wanted) { return has_volume(c, wanted); }) &&
           filters_.any("publish", [&](const std::string& wanted) { return publishes(c, wanted); }) &&
           filters_.any("expose", [&](const std::string& wanted) { return exposes(c, wanted); });
  }
  bool full(std::size_t count) const { return limit_ && count >= *limit_; }

 private:
  Filters filters_;
  bool all_ = false, tasks_only_ = false;
  std::optional<std::size_t> limit_;
  std::optional<std::set<std::string>> images_;
  std::optional<SystemTime> before_, since_;
};

void add_size(Json& row, const ContainerSize& size) {
  row["SizeRw"] = size.own;
  row["SizeRootFs"] = size.whole;
}

Result<> list_containers(Call& call) {
  engine::Engine& engine = *TRY(call.engine());
  const Selection selection = TRY(Selection::of(call, engine));
  std::vector<Container> containers = TRY(engine.list());
  std::ranges::reverse(containers);  // newest first
  const SystemTime now = system_now();
  const bool with_size = call.flag("size");
  Json rows = Json::array();
  for (const Container& container : containers) {
    if (selection.full(rows.size())) break;
    if (!call.service().shows(container) || !selection.takes(container)) continue;
    rows.push_back(listed_container(container, now));
    if (with_size) add_size(rows.back(), size_of(engine, container));
  }
  return call.json(200, rows);
}

constexpr Route table[] = {{"GET", "/containers/json", list_containers, Access::look, Reach::project}};

}  // namespace

std::span<const Route> container_list_routes() {
  return table;
}

}  // namespace consort::serve
