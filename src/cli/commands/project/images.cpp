// images: lists the images of the project's containers.
#include <algorithm>

#include "base/json.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/image_rows.hpp"
#include "cli/render/table.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

std::string as_json(const std::vector<ImageRow>& rows) {
  Json array = Json::array();
  for (const ImageRow& row : rows)
    array.push_back({{"ID", row.image.id},
                     {"ContainerName", row.container},
                     {"Repository", row.repository},
                     {"Tag", row.tag},
                     {"Platform", row.image.platform.text()},
                     {"Size", row.image.size},
                     {"LastTagTime", format_rfc3339(row.image.last_tagged)}});
  return escape_html(dump_json(array)) + "\n";
}

// Reproducibly built images have no creation time.
std::string age_of(const image::Image& image) {
  if (image.created.time_since_epoch().count() <= 0) return "N/A";
  return human_duration(system_now() - image.created) + " ago";
}

std::string as_table(const std::vector<ImageRow>& rows) {
  std::vector<std::vector<std::string>> cells{
      {"CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"}};
  for (const ImageRow& row : rows)
    cells.push_back({row.container, row.repository, row.tag, row.image.platform.text(), row.image.short_id(),
                     human_bytes_decimal(row.image.size), age_of(row.image)});
  return format_table(cells, wide_table);
}

}  // namespace

void set_name(ImageRow& row, const std::string& name) {
  if (const auto reference = image::Reference::parse(name)) {
    row.repository = reference->familiar_name();
    if (!reference->tag.empty()) row.tag = reference->tag;
  }
}

Result<int> print_image_rows(const Invocation& invocation, const std::vector<ImageRow>& rows) {
  const std::string format = invocation.flags.text("format", "table");
  if (invocation.flags.on("quiet")) {
    std::vector<std::string> ids;
    for (const ImageRow& row : rows)
      if (std::ranges::find(ids, row.image.id.substr(7)) == ids.end()) ids.push_back(row.image.id.substr(7));
    for (const std::string& id : ids) print_out(id + "\n");
  } else if (format == "json") {
    print_out(as_json(rows));
  } else if (format == "table") {
    print_out(as_table(rows));
  } else {
    return fail(Code::invalid, "unsupported format \"" + format + "\"");
  }
  return 0;
}

Result<int> run_images(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  const auto containers =
      TRY(project::select_containers(workspace->session(), invocation.arguments, project::Oneoffs::include));
  std::vector<ImageRow> rows;
  for (const engine::Container& container : containers) {
    ImageRow row{.container = container.name};
    if (auto image = TRY(workspace->engine().images().look_up(container.image_id))) {
      row.image = std::move(*image);
    } else {
      row.image.id = container.image_id;
    }
    set_name(row, container.image);
    rows.push_back(std::move(row));
  }
  return print_image_rows(invocation, rows);
}

}  // namespace consort::cli
