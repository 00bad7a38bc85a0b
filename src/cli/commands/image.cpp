// image import, load, save, pull, push, tag, rm, prune: images without a project.
#include <fcntl.h>
#include <unistd.h>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/image_change.hpp"
#include "cli/render/confirm.hpp"
#include "cli/workspace.hpp"
#include "image/transfer.hpp"
#include "project/exec/image_pull.hpp"

namespace consort::cli {

namespace {

// The named file, or standard input for "-" and "".
Result<Fd> open_input(const std::string& path) {
  return path.empty() || path == "-" ? duplicate(STDIN_FILENO) : open_file(path, O_RDONLY);
}

image::ImageUsers users_of(engine::Engine& engine) {
  return [&engine](const image::Image& image) {
    return engine.containers_using_image(image.id).value_or(std::vector<std::string>{});
  };
}

using Transfer = Result<> (*)(project::Session&, const std::string&, const std::string&, project::Detail,
                              const project::Cancellation&);

Result<> pull_for_this_machine(project::Session& session, const std::string& id, const std::string& reference,
                               project::Detail detail, const project::Cancellation& cancel) {
  return project::pull_image(session, id, reference, "", detail, cancel);
}

Result<int> transfer_all(Invocation& invocation, const char* title, const char* done, Transfer transfer) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  project::Session& session = workspace->session();
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto detail = invocation.flags.on("quiet") ? project::Detail::quiet : project::Detail::all;
  session.progress.begin(title);
  for (const std::string& name : invocation.arguments) {
    session.progress.event({.id = name, .text = title});
    Result<> outcome = transfer(session, name, name, detail, cancel);
    if (!outcome) {
      session.progress.event({.id = name, .text = "Error", .outlook = project::Outlook::error});
      session.progress.finish();
      return fail(std::move(outcome).error());
    }
    session.progress.event({.id = name, .text = done, .outlook = project::Outlook::done});
  }
  session.progress.finish();
  return 0;
}

}  // namespace

Result<int> run_image_import(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::ImportOptions options;
  if (invocation.arguments.size() > 1) options.names.push_back(TRY(image::Reference::parse(invocation.arguments[1])));
  options.comment = invocation.flags.text("message", "Imported from " + invocation.arguments[0]);
  if (invocation.flags.has("platform"))
    options.config.platform = TRY(image::Platform::parse(invocation.flags.text("platform")));
  for (const std::string& change : invocation.flags.list("change")) TRY(apply_change(change, options.config));
  const Fd input = TRY(open_input(invocation.arguments[0]));
  const image::Image image = TRY(image::import_rootfs(workspace->engine().images(), input.get(), options));
  print_out(image.id + "\n");
  return 0;
}

Result<int> run_image_load(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const Fd input = TRY(open_input(invocation.flags.text("input")));
  const image::LoadResult loaded = TRY(image::load(workspace->engine().images(), input.get()));
  if (invocation.flags.on("quiet")) return 0;
  for (const std::string& name : loaded.names) print_out("Loaded image: " + image::familiar_name(name) + "\n");
  if (loaded.names.empty())
    for (const image::Image& image : loaded.images) print_out("Loaded image ID: " + image.id + "\n");
  return 0;
}

Result<int> run_image_save(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const std::string path = invocation.flags.text("output");
  if (path.empty() && invocation.terminal.out_is_terminal)
    return fail(Error(Code::invalid, "cowardly refusing to save to a terminal").hint("use the -o flag or redirect"));
  const auto format =
      invocation.flags.text("format") == "oci" ? image::ArchiveFormat::oci_layout : image::ArchiveFormat::docker;
  const Fd output = path.empty() ? TRY(duplicate(STDOUT_FILENO)) : TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
  TRY(image::save(workspace->engine().images(), invocation.arguments, output.get(), format));
  return 0;
}

Result<int> run_image_pull(Invocation& invocation) {
  return transfer_all(invocation, "Pulling", "Pulled", pull_for_this_machine);
}

Result<int> run_image_push(Invocation& invocation) {
  return transfer_all(invocation, "Pushing", "Pushed", project::push_image);
}

Result<int> run_image_tag(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::Store& store = workspace->engine().images();
  const image::Image image = TRY(store.find(invocation.arguments[0]));
  TRY(store.tag(image, TRY(image::Reference::parse(invocation.arguments[1]))));
  return 0;
}

Result<int> run_image_rm(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::Store& store = workspace->engine().images();
  const auto removal = invocation.flags.on("force") ? image::Store::Removal::force : image::Store::Removal::normal;
  for (const std::string& name : invocation.arguments) {
    const image::RemoveReport report = TRY(store.remove(name, removal, users_of(workspace->engine())));
    for (const std::string& untagged : report.untagged) print_out("Untagged: " + untagged + "\n");
    for (const std::string& deleted : report.deleted) print_out("Deleted: " + deleted + "\n");
  }
  return 0;
}

Result<int> run_image_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::PruneOptions options;
  const bool all = invocation.flags.on("all");
  options.images = all ? image::PruneOptions::Images::unused : image::PruneOptions::Images::untagged;
  image::Store& store = workspace->engine().images();
  const image::ImageUsers users = users_of(workspace->engine());
  if (!invocation.flags.on("force") && !invocation.dry_run) {
    const image::PruneReport plan = TRY(store.prune(options, users));
    const std::string question = "Remove " + std::string(all ? "all images without a container" : "nameless images") +
                                 " (" + human_bytes_decimal(plan.reclaimed) + ")?";
    if (!confirm(invocation.terminal, question, Answer::no)) return 0;
  }
  if (!invocation.dry_run) options.mode = image::PruneOptions::Mode::act;
  const image::PruneReport report = TRY(store.prune(options, users));
  for (const image::PruneItem& item : report.items)
    if (item.kind == image::PruneItem::Kind::image && item.needed_by.empty())
      print_out("Deleted: " + (item.name.empty() ? item.id : item.name) + "\n");
  print_out("Total reclaimed space: " + human_bytes_decimal(report.reclaimed) + "\n");
  return 0;
}

}  // namespace consort::cli
