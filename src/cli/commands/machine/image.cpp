// image import, load, save, pull, push, tag and rm: images outside a project.
#include <fcntl.h>
#include <unistd.h>

#include <functional>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/input_file.hpp"
#include "cli/commands/machine/output_file.hpp"
#include "cli/commands/machine/wanted_platform.hpp"
#include "cli/workspace.hpp"
#include "engine/image_change.hpp"
#include "engine/images.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

namespace {

using Transfer = std::function<Result<>(project::Session&, const std::string& reference, project::Detail,
                                        const project::Cancellation&)>;

// As in `docker pull` and `docker push`, standard output gets the name of the transferred image; with --quiet, there is
// no other output.
Result<int> transfer_all(Invocation& invocation, const char* title, const char* done, const Transfer& transfer) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  project::Session& session = workspace->session();
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(session.interrupt_fd, cancel));
  const bool quiet = invocation.flags.on("quiet");
  const auto tell = [&](const std::string& name, const char* text, project::Outlook outlook) {
    if (!quiet) session.progress.event({.id = name, .text = text, .outlook = outlook});
  };
  std::string transferred;
  session.progress.begin(title);
  for (const std::string& name : invocation.arguments) {
    tell(name, title, project::Outlook::working);
    Result<> outcome;
    if (!invocation.dry_run)
      outcome = transfer(session, name, quiet ? project::Detail::quiet : project::Detail::all, cancel);
    if (!outcome) {
      const bool stopped = outcome.error().code() == Code::interrupted;
      tell(name, stopped ? "Interrupted" : "Error", project::Outlook::error);
      session.progress.finish();
      print_out(transferred);
      return fail(std::move(outcome).error());
    }
    tell(name, done, project::Outlook::done);
    transferred += TRY(image::Reference::parse(name)).full() + "\n";
  }
  session.progress.finish();
  print_out(transferred);
  return 0;
}

// Reports the layers of an archive as they are unpacked.
image::Progress layers_to(project::Session& session, const std::string& parent) {
  return [&session, parent](const image::ProgressEvent& event) {
    if (event.id.empty()) return;
    project::ProgressEvent shown = project::layer_event(event, parent);
    if (event.phase == image::Phase::done) shown.text = "Loaded";
    session.progress.event(shown);
  };
}

}  // namespace

Result<int> run_image_import(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  image::ImportOptions options;
  if (invocation.arguments.size() > 1) options.names.push_back(TRY(image::Reference::parse(invocation.arguments[1])));
  options.comment = invocation.flags.text("message", "Imported from " + invocation.arguments[0]);
  if (invocation.flags.has("platform"))
    options.config.platform = TRY(image::Platform::parse(invocation.flags.text("platform")));
  for (const std::string& change : invocation.flags.list("change")) TRY(engine::apply_change(change, options.config));
  const Fd input = TRY(open_input(invocation.arguments[0]));
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(workspace->session().interrupt_fd, cancel));
  options.limits.cancel = cancel.token();
  const image::Image image = TRY(workspace->engine().images().import(input.get(), options));
  print_out(image.id + "\n");
  return 0;
}

Result<int> run_image_load(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const std::string path = invocation.flags.text("input");
  if (path.empty() && invocation.terminal.in_is_terminal)
    return fail(Error(Code::invalid, "requested load from stdin, but stdin is a terminal")
                    .hint("use --input, or redirect: consort image load < images.tar"));
  const Fd input = TRY(open_input(path));
  const bool quiet = invocation.flags.on("quiet");
  image::PullOptions options;
  options.platform = TRY(wanted_platform(invocation.flags));
  project::Session& session = workspace->session();
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(session.interrupt_fd, cancel));
  options.cancel = cancel.token();
  session.progress.begin("Loading");
  const std::string shown = path.empty() ? "standard input" : path;
  Result<image::LoadResult> outcome =
      workspace->engine().images().load(input.get(), options, quiet ? image::Progress() : layers_to(session, shown));
  session.progress.finish();
  const image::LoadResult loaded = TRY(std::move(outcome));
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
  image::SaveOptions options;
  if (invocation.flags.text("format") == "oci") options.format = image::ArchiveFormat::oci_layout;
  options.platform = TRY(wanted_platform(invocation.flags));
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(workspace->session().interrupt_fd, cancel));
  options.cancel = cancel.token();
  OutputFile output = TRY(OutputFile::open(path));
  TRY(workspace->engine().images().save(invocation.arguments, output.fd(), options));
  TRY(output.commit());
  return 0;
}

Result<int> run_image_pull(Invocation& invocation) {
  const std::string platform = invocation.flags.text("platform");
  return transfer_all(invocation, "Pulling", "Pulled",
                      [&](project::Session& session, const std::string& reference, project::Detail detail,
                          const project::Cancellation& cancel) {
                        return project::pull_image(session, reference, reference, platform, detail, cancel);
                      });
}

Result<int> run_image_push(Invocation& invocation) {
  const std::string platform = invocation.flags.text("platform");
  return transfer_all(invocation, "Pushing", "Pushed",
                      [&](project::Session& session, const std::string& reference, project::Detail detail,
                          const project::Cancellation& cancel) {
                        return project::push_image(session, reference, reference, platform, detail, cancel);
                      });
}

Result<int> run_image_tag(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  TRY(workspace->engine().images().tag(invocation.arguments[0], TRY(image::Reference::parse(invocation.arguments[1]))));
  return 0;
}

}  // namespace consort::cli
