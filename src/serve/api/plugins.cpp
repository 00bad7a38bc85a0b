// There are no plugins: requests for one are answered with "not found", and none can be installed.
#include "serve/api/filters.hpp"
#include "serve/api/routes.hpp"

namespace consort::serve {

namespace {

Result<> list_plugins(Call& call) {
  constexpr std::string_view known[] = {"capability", "enabled"};
  (void)TRY(Filters::of(call, known));
  return call.json(200, Json::array());
}

Result<> no_plugin(Call& call) {
  return fail(http_error(404, "plugin \"" + call.variable("name") + "\" not found"));
}

Result<> no_installation(Call&) {
  return fail(http_error(501, "plugins are not supported"));
}

constexpr Route table[] = {
    {"GET", "/plugins", list_plugins, Access::look, Reach::project},
    {"GET", "/plugins/privileges", no_installation, Access::look},
    {"POST", "/plugins/pull", no_installation},
    {"POST", "/plugins/create", no_installation},
    {"GET", "/plugins/{name...}/json", no_plugin, Access::look},
    {"POST", "/plugins/{name...}/enable", no_plugin},
    {"POST", "/plugins/{name...}/disable", no_plugin},
    {"POST", "/plugins/{name...}/upgrade", no_plugin},
    {"POST", "/plugins/{name...}/push", no_plugin},
    {"POST", "/plugins/{name...}/set", no_plugin},
    {"DELETE", "/plugins/{name...}", no_plugin},
};

}  // namespace

std::span<const Route> plugin_routes() {
  return table;
}

}  // namespace consort::serve
