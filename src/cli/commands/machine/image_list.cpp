// image ls: lists all images of this machine.
#include <fnmatch.h>

#include <algorithm>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/render/template.hpp"
#include "cli/workspace.hpp"
#include "engine/images.hpp"

namespace consort::cli {

namespace {

constexpr std::string_view image_filters[] = {"before", "dangling", "label", "reference", "since"};
constexpr const char* no_name = "<none>";

// One line of the list: an image under one of its names, or without a name.
struct ListedImage {
  image::Image image;
  std::string repository = no_name, tag = no_name;
};

ListedImage entry_of(const image::Image& image, const std::string& name) {
  ListedImage entry{.image = image};
  if (const auto reference = image::Reference::parse(name)) {
    entry.repository = reference->familiar_name();
    if (!reference->tag.empty()) entry.tag = reference->tag;
  }
  return entry;
}

std::vector<ListedImage> entries_of(const std::vector<image::Image>& images) {
  std::vector<ListedImage> entries;
  for (const image::Image& image : images) {
    if (!image.is_named()) entries.push_back({.image = image});
    // One line per platform; the platforms of a name are grouped together.
    for (const std::string& name : image.names) {
      entries.push_back(entry_of(image, name));
      for (const image::Image& other : images)
        if (std::ranges::find(other.other_names, name) != other.other_names.end())
          entries.push_back(entry_of(other, name));
    }
  }
  return entries;
}

// As in docker: both "postgres" and "postgres:1*" match postgres:15.
bool matches_pattern(const ListedImage& entry, const std::string& pattern) {
  const std::string whole = entry.repository + ":" + entry.tag;
  return ::fnmatch(pattern.c_str(), whole.c_str(), FNM_PATHNAME) == 0 ||
         ::fnmatch(pattern.c_str(), entry.repository.c_str(), FNM_PATHNAME) == 0;
}

struct Chooser {
  engine::Images images;
  Filters filters;
  std::string repository{};  // the argument: "postgres", "postgres:15"; "" matches all
  std::optional<SystemTime> before{}, since{};

  Result<bool> takes(const ListedImage& entry) const {
    if (!repository.empty() && !matches_pattern(entry, repository)) return false;
    if ((before && entry.image.created >= *before) || (since && entry.image.created <= *since)) return false;
    if (const auto found = filters.find("dangling"); found != filters.end())
      if (entry.image.is_named() == (found->second.back() == "true" || found->second.back() == "1")) return false;
    if (const auto found = filters.find("reference"); found != filters.end())
      if (std::ranges::none_of(found->second, [&](const std::string& each) { return matches_pattern(entry, each); }))
        return false;
    return !filters.contains("label") || passes_labels(filters, TRY(images.config_of(entry.image)).labels);
  }
};

Result<Chooser> chooser_of(const Invocation& invocation, engine::Images images) {
  Filters filters = TRY(filters_of(invocation.flags, image_filters));
  Chooser chooser{.images = images, .filters = std::move(filters)};
  if (!invocation.arguments.empty()) chooser.repository = invocation.arguments[0];
  const auto created = [&](const char* key) -> Result<std::optional<SystemTime>> {
    const auto found = chooser.filters.find(key);
    if (found == chooser.filters.end()) return std::nullopt;
    return TRY(chooser.images.find(found->second.back())).created;
  };
  chooser.before = TRY(created("before"));
  chooser.since = TRY(created("since"));
  return chooser;
}

std::string digest_of(const ListedImage& entry) {
  for (const std::string& full : entry.image.digests)
    if (const auto reference = image::Reference::parse(full);
        reference && reference->familiar_name() == entry.repository)
      return full.substr(full.find('@') + 1);
  return no_name;
}

FormatRow image_row(const ListedImage& entry, bool whole) {
  const image::Image& image = entry.image;
  const bool dated = image.created.time_since_epoch().count() > 0;  // a reproducible build sets no time
  std::string created = dated ? format_rfc3339_seconds(image.created) : "N/A";
  std::ranges::replace(created, 'T', ' ');
  return {{"ID", "IMAGE ID", whole || image.id.empty() ? image.id : image.short_id(), ""},
          {"Repository", "REPOSITORY", entry.repository, ""},
          {"Tag", "TAG", entry.tag, ""},
          {"Digest", "DIGEST", digest_of(entry), ""},
          {"CreatedSince", "CREATED", dated ? human_duration(system_now() - image.created) + " ago" : "N/A", ""},
          {"CreatedAt", "CREATED AT", created.substr(0, 19) + (dated ? " +0000 UTC" : ""), ""},
          {"Size", "SIZE", human_bytes_decimal(image.size), ""},
          {"Platform", "PLATFORM", image.platform.text(), ""},
          {"Containers", "CONTAINERS", "N/A", ""},
          {"SharedSize", "SHARED SIZE", "N/A", ""},
          {"UniqueSize", "UNIQUE SIZE", "N/A", ""}};
}

}  // namespace

Result<int> run_image_list(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const Chooser chooser = TRY(chooser_of(invocation, workspace->engine().images()));
  const std::vector<image::Image> images = TRY(workspace->engine().images().list());
  std::vector<FormatRow> rows;
  std::vector<std::string> ids;
  for (const ListedImage& entry : entries_of(images)) {
    if (!TRY(chooser.takes(entry))) continue;
    rows.push_back(image_row(entry, flags.on("no-trunc")));
    const std::string id = flags.on("no-trunc") ? entry.image.id : entry.image.id.substr(7);
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  if (flags.on("quiet")) {
    for (const std::string& id : ids) print_out(id + "\n");
    return 0;
  }
  std::vector<std::string> columns{"Repository", "Tag", "ID", "CreatedSince", "Size", "Platform"};
  if (flags.on("digests")) columns.insert(columns.begin() + 2, "Digest");
  print_out(TRY(format_rows(flags.text("format", "table"), rows, columns, image_row({}, true))));
  return 0;
}

}  // namespace consort::cli
