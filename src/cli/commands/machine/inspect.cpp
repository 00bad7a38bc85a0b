// inspect: shows the object with this name, whatever its type; containers come first.
#include <algorithm>
#include <array>

#include "base/url.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/json_rows.hpp"
#include "cli/workspace.hpp"
#include "serve/ask.hpp"

namespace consort::cli {

namespace {

struct Kind {
  std::string_view type;    // the value of --type
  std::string_view before;  // the path before the name
  std::string_view after;
};
// In the order in which Docker tries them.
constexpr std::array kinds{Kind{"container", "/containers/", "/json"}, Kind{"image", "/images/", "/json"},
                           Kind{"network", "/networks/", ""}, Kind{"volume", "/volumes/", ""}};

Result<std::optional<Json>> look_up(serve::Api& api, const std::string& name, const ParsedFlags& flags) {
  const std::string type = flags.text("type");
  for (const Kind& kind : kinds) {
    if (!type.empty() && type != kind.type) continue;
    std::string target = std::string(kind.before) + url_encode(name) + std::string(kind.after);
    if (kind.type == "container" && flags.on("size")) target += "?size=1";
    auto answer = api.ask({.target = target});
    if (answer) return TRY(parse_json(*answer, "answer"));
    if (answer.error().code() != Code::not_found && answer.error().code() != Code::invalid)
      return std::unexpected(std::move(answer).error());
  }
  return std::nullopt;
}

}  // namespace

Result<int> run_inspect(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const std::string type = flags.text("type");
  if (!type.empty() && std::ranges::find(kinds, type, &Kind::type) == kinds.end())
    return fail(Code::invalid, "\"" + type + "\" is not a valid value for --type: container, image, network, volume");
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  serve::Api api(workspace->engine().roots());
  Json found = Json::array();
  std::vector<std::string> missing;
  for (const std::string& name : invocation.arguments) {
    auto object = TRY(look_up(api, name, flags));
    if (object)
      found.push_back(std::move(*object));
    else
      missing.push_back(name);
  }
  const std::string format = flags.text("format");
  if (!found.empty() || format.empty() || format == "json") TRY(print_inspected(found, format, "Name"));
  for (const std::string& name : missing)
    print_err("Error: No such " + (type.empty() ? std::string("object") : type) + ": " + name + "\n");
  return missing.empty() ? 0 : 1;
}

}  // namespace consort::cli
