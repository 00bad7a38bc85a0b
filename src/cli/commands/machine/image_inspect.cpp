// image inspect and history: shows details of one image.
#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "base/time_range.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/json_rows.hpp"
#include "cli/commands/machine/wanted_platform.hpp"
#include "cli/render/container_text.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t shown_command = 45;

Json familiar_names(const std::vector<std::string>& full) {
  Json names = Json::array();
  for (const std::string& name : full) names.push_back(image::familiar_name(name));
  return names;
}

Result<Json> describe(const engine::Images& images, const std::string& name,
                      const std::optional<image::Platform>& platform) {
  const image::Image image = TRY(images.find(name, platform));
  std::vector<std::string> names = image.names;
  names.insert(names.end(), image.other_names.begin(), image.other_names.end());
  const Json raw = TRY(parse_json(TRY(images.raw_config_of(image)), "configuration of " + name));
  const image::ImageConfig config = TRY(images.config_of(image));
  Json layers = Json::array();
  for (const image::Digest& diff_id : config.diff_ids) layers.push_back(diff_id.text());
  const Json* inner = find_key(raw, "config");
  return Json{{"Id", image.id},
              {"RepoTags", familiar_names(names)},
              {"RepoDigests", familiar_names(image.digests)},
              {"Comment", config.history.empty() ? "" : config.history.back().comment},
              {"Created", config.created},
              {"Author", config.author},
              {"Config", inner ? *inner : Json::object()},
              {"Architecture", image.platform.architecture},
              {"Variant", image.platform.variant},
              {"Os", image.platform.os},
              {"Size", image.size},
              {"RootFS", {{"Type", "layers"}, {"Layers", std::move(layers)}}},
              {"Metadata", {{"LastTagTime", format_rfc3339(image.last_tagged)}}}};
}

FormatRow history_row(const image::HistoryEntry& entry, const std::string& id, std::uint64_t size, bool whole) {
  const auto created = parse_rfc3339(entry.created);
  std::string command = replace_all(entry.created_by, "\t", " ");
  if (!whole) command = cut(command, shown_command);
  const std::string since = created ? human_duration(time_between(*created, system_now())) + " ago" : "N/A";
  const std::string shown = whole || !id.starts_with("sha256:") ? id : id.substr(7, 12);
  return {{"ID", "IMAGE", shown, ""},
          {"CreatedSince", "CREATED", since, ""},
          {"CreatedAt", "CREATED AT", entry.created, ""},
          {"CreatedBy", "CREATED BY", command, ""},
          {"Size", "SIZE", human_bytes_decimal(size), ""},
          {"Comment", "COMMENT", entry.comment, ""}};
}

}  // namespace

Result<int> run_image_inspect(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const engine::Images images = workspace->engine().images();
  const std::string format = invocation.flags.text("format");
  const auto platform = TRY(wanted_platform(invocation.flags));
  Json array = Json::array();
  for (const std::string& name : invocation.arguments) array.push_back(TRY(describe(images, name, platform)));
  TRY(print_inspected(array, format, "Id"));
  return 0;
}

// Newest first. Only the image itself has an id: its lower layers may never have been images on this machine.
Result<int> run_image_history(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const engine::Images images = workspace->engine().images();
  const image::Image image = TRY(images.find(invocation.arguments[0], TRY(wanted_platform(invocation.flags))));
  const image::ImageConfig config = TRY(images.config_of(image));
  const std::vector<image::LayerInfo> layers = TRY(images.layers_of(image));
  const bool whole = invocation.flags.on("no-trunc");
  std::vector<FormatRow> rows;
  std::size_t layer = 0;
  for (std::size_t i = 0; i < config.history.size(); ++i) {
    const image::HistoryEntry& entry = config.history[i];
    const bool last = i + 1 == config.history.size();
    const bool makes_layer = !entry.empty_layer && layer < layers.size();
    rows.push_back(history_row(entry, last ? image.id : "<missing>", makes_layer ? layers[layer].size : 0, whole));
    if (makes_layer) ++layer;
  }
  std::ranges::reverse(rows);
  if (invocation.flags.on("quiet")) {
    for (const FormatRow& row : rows) print_out(row.front().value + "\n");
    return 0;
  }
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows,
                            {"ID", "CreatedSince", "CreatedBy", "Size", "Comment"}, history_row({}, "", 0, true))));
  return 0;
}

}  // namespace consort::cli
