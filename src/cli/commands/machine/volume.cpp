// volume ...: the volumes of this machine, in any project.
#include <fcntl.h>

#include <algorithm>
#include <map>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/commands/machine/input_file.hpp"
#include "cli/commands/machine/json_rows.hpp"
#include "cli/commands/machine/output_file.hpp"
#include "cli/commands/machine/prune_output.hpp"
#include "cli/commands/machine/remove_each.hpp"
#include "cli/commands/project/volume_rows.hpp"
#include "cli/workspace.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"

namespace consort::cli {

namespace {

constexpr std::string_view list_filters[] = {"dangling", "driver", "label", "name"};
constexpr std::string_view prune_filters[] = {"all", "label"};

std::string driver_of(const engine::Volume& volume) {
  return volume.spec.driver.empty() ? "local" : volume.spec.driver;
}

FormatRow row_of(const engine::Volume& volume) {
  return {{"Driver", "DRIVER", driver_of(volume), ""},
          {"Labels", "LABELS", text_of_pairs(volume.spec.labels), ""},
          {"Mountpoint", "MOUNTPOINT", volume.mountpoint, ""},
          {"Name", "VOLUME NAME", volume.spec.name, ""},
          {"Scope", "SCOPE", "local", ""}};
}

Json describe(const engine::Volume& volume) {
  return Json{{"CreatedAt", format_rfc3339(volume.created_at)},
              {"Driver", driver_of(volume)},
              {"Labels", volume.spec.labels.empty() ? Json() : Json(volume.spec.labels)},
              {"Mountpoint", volume.mountpoint},
              {"Name", volume.spec.name},
              {"Options", volume.spec.driver_opts.empty() ? Json() : Json(volume.spec.driver_opts)},
              {"Scope", "local"}};
}

// A file that is written while it is being read is half old and half new in the archive.
Result<> warn_of_writers(const Invocation& invocation, engine::Engine& engine, const std::string& volume) {
  const engine::Strings users = TRY(engine.running_users_of_volume(volume));
  if (!users.empty())
    print_warning(invocation.terminal, "volume " + volume + " is in use by " + join(users, ", ") +
                                           ": files that change during the copy may be inconsistent");
  return {};
}

Result<> check_is_empty(engine::Engine& engine, const std::string& name, bool force) {
  const engine::Volume volume = TRY(engine.inspect_volume(name));
  if (force || TRY(list_directory(volume.mountpoint)).empty()) return {};
  return fail(Error(Code::conflict, "volume " + name + " is not empty")
                  .hint("use another name, or --force to extract over what is there"));
}

}  // namespace

Result<int> run_volume_list(Invocation& invocation) {
  const Filters filters = TRY(filters_of(invocation.flags, list_filters));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  std::map<std::string, unsigned> used;
  if (filters.contains("dangling")) used = TRY(engine::volumes_in_use(workspace->engine()));
  std::vector<engine::Volume> volumes = TRY(workspace->engine().list_volumes());
  std::erase_if(volumes, [&](const engine::Volume& volume) {
    const std::string dangling = used.contains(volume.spec.name) ? "false" : "true";
    return !passes(filters, "name", volume.spec.name) || !passes_labels(filters, volume.spec.labels) ||
           !passes(filters, "driver", driver_of(volume)) || !passes(filters, "dangling", dangling);
  });
  std::ranges::sort(volumes, {}, [](const engine::Volume& volume) { return volume.spec.name; });
  std::vector<FormatRow> rows;
  for (const engine::Volume& volume : volumes) rows.push_back(row_of(volume));
  return print_volume_rows(invocation, rows, row_of({}));
}

Result<int> run_volume_create(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::VolumeSpec spec;
  if (!invocation.arguments.empty()) spec.name = invocation.arguments[0];
  spec.driver = invocation.flags.text("driver", "local");
  spec.driver_opts = pairs_of(invocation.flags.list("opt"));
  spec.labels = pairs_of(invocation.flags.list("label"));
  if (invocation.dry_run) return 0;
  print_out(TRY(workspace->engine().create_volume(spec)).spec.name + "\n");
  return 0;
}

Result<int> run_volume_inspect(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  Json array = Json::array();
  for (const std::string& name : invocation.arguments)
    array.push_back(describe(TRY(workspace->engine().inspect_volume(name))));
  TRY(print_inspected(array, invocation.flags.text("format"), "Name"));
  return 0;
}

Result<int> run_volume_rm(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const auto force = invocation.flags.on("force") ? engine::Force::yes : engine::Force::no;
  return remove_each(invocation, [&](const std::string& name) -> Result<bool> {
    TRY(workspace->engine().remove_volume(name, force));
    return true;
  });
}

Result<int> run_volume_prune(Invocation& invocation) {
  const Filters filters = TRY(filters_of(invocation.flags, prune_filters));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const bool all = invocation.flags.on("all") || filters.contains("all");
  const std::string which = all ? "all" : "anonymous";
  if (!confirm_prune(invocation, "This will remove " + which + " local volumes not used by at least one container."))
    return 0;
  const auto named = all ? engine::NamedVolumes::prune : engine::NamedVolumes::keep;
  const auto pruned =
      TRY(engine::prune_volumes(workspace->engine(), prune_mode(invocation), named, [&](const engine::Volume& volume) {
        return passes_labels(filters, volume.spec.labels);
      }));
  const bool all_gone = print_pruned(invocation, "Volumes", PrunedBy::name, pruned);
  print_reclaimed(invocation, pruned.bytes);
  return all_gone ? 0 : 1;
}

Result<int> run_volume_export(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const std::string path = invocation.flags.text("output");
  if (path.empty() && invocation.terminal.out_is_terminal)
    return fail(Error(Code::invalid, "output option is required when exporting to terminal")
                    .hint("consort volume export -o data.tar VOLUME, or redirect: ... > data.tar"));
  (void)TRY(workspace->engine().inspect_volume(invocation.arguments[0]));
  TRY(warn_of_writers(invocation, workspace->engine(), invocation.arguments[0]));
  if (invocation.dry_run) return 0;
  OutputFile output = TRY(OutputFile::open(path));
  TRY(workspace->engine().export_volume(invocation.arguments[0], output.fd()));
  TRY(output.commit());
  return 0;
}

// Creates the volume if it does not exist. Removes a new one again if nothing could be read.
Result<int> run_volume_import(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  const std::string& name = invocation.arguments[0];
  const std::string path = invocation.arguments.size() > 1 ? invocation.arguments[1] : "-";
  const bool is_new = !engine.inspect_volume(name);
  if (!is_new) TRY(check_is_empty(engine, name, invocation.flags.on("force")));
  if (invocation.dry_run) return 0;
  const Fd input = TRY(open_input(path));
  (void)TRY(engine.create_volume({.name = name, .driver = "local", .driver_opts = {}, .labels = {}}));
  if (Result<> read = engine.import_volume(name, input.get()); !read) {
    if (is_new) (void)engine.remove_volume(name);
    return fail(std::move(read).error());
  }
  print_out(name + "\n");
  return 0;
}

Result<int> run_volume_clone(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  const engine::Volume source = TRY(engine.inspect_volume(invocation.arguments[0]));
  const std::string& name = invocation.arguments[1];
  if (engine.inspect_volume(name))
    return fail(Error(Code::conflict, "volume " + name + " already exists").hint("use another name"));
  TRY(warn_of_writers(invocation, engine, source.spec.name));
  if (invocation.dry_run) return 0;
  (void)TRY(engine.create_volume({.name = name, .driver = "local", .driver_opts = {}, .labels = {}}));
  if (Result<> copied = engine.copy_volume(source.spec.name, name); !copied) {
    (void)engine.remove_volume(name);
    return fail(std::move(copied).error());
  }
  print_out(name + "\n");
  return 0;
}

}  // namespace consort::cli
