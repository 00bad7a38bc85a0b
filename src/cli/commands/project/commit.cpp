// commit and export: turn a container's files into an image or an archive.
#include <unistd.h>

#include <memory>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/output_file.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/signals.hpp"
#include "engine/image_change.hpp"
#include "engine/images.hpp"
#include "project/exec/listening.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

// Pauses a container while its files are read. An interrupt ends the command, and the container is resumed.
class Pause {
 public:
  static Result<std::unique_ptr<Pause>> begin(project::Session& session, const engine::Container& container) {
    std::unique_ptr<Pause> pause(new Pause(session.engine, container.id));
    Result<> paused = session.engine.pause_container(container.id);
    // A container that has ended in the meantime need not be paused.
    if (!paused && TRY(session.engine.inspect(container.id)).state.running()) return fail(std::move(paused).error());
    pause->paused_ = paused.has_value();
    pause->on_interrupt_ = TRY(project::OnInterrupt::create(session.interrupt_fd, [raw = pause.get()] {
      raw->end();
      ::_exit(interrupted_status);
    }));
    return pause;
  }
  ~Pause() {
    on_interrupt_.reset();
    end();
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  Pause(engine::Engine& engine, std::string id) : engine_(engine), id_(std::move(id)) {}
  void end() {
    if (paused_) (void)engine_.unpause_container(id_);  // fails if the container has ended meanwhile
  }

  const project::Listening listening_;
  engine::Engine& engine_;
  std::string id_;
  bool paused_ = false;
  std::unique_ptr<project::OnInterrupt> on_interrupt_;
};

Result<image::Image> commit(project::Session& session, const Invocation& invocation,
                            const engine::Container& container) {
  engine::CommitSpec spec{.comment = invocation.flags.text("message")};
  if (invocation.arguments.size() > 1) spec.names.push_back(TRY(image::Reference::parse(invocation.arguments[1])));
  if (invocation.flags.has("author")) spec.author = invocation.flags.text("author");
  spec.change = [&](image::ImageConfig& config) -> Result<> {
    for (const std::string& change : invocation.flags.list("change")) TRY(engine::apply_change(change, config));
    return {};
  };
  Result<std::unique_ptr<Pause>> frozen;
  if (invocation.flags.on("pause") && container.state.status == engine::Status::running) {
    frozen = Pause::begin(session, container);
    // Where pausing is impossible (a user without cgroups), the command continues as with --pause=false.
    if (!frozen && frozen.error().code() != Code::unsupported) return fail(std::move(frozen).error());
  }
  return session.engine.images().commit(container.id, spec);
}

}  // namespace

Result<int> run_commit(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const engine::Container container =
      TRY(project::one_container(session, invocation.arguments[0], index_of(invocation), project::Running::any));
  session.progress.begin("Committing");
  session.progress.event({.id = container.name, .status = "Committing"});
  Result<image::Image> made = fail(Code::internal, "commit");
  if (!invocation.dry_run) {
    made = commit(session, invocation, container);
    if (!made) {
      session.progress.finish();
      return fail(std::move(made).error());
    }
  }
  const std::string text = "Committed as " + (made ? made->id : "");
  session.progress.event({.id = container.name, .text = text, .outlook = project::Outlook::done});
  session.progress.finish();
  return 0;
}

// Exports only the container's own files, as `docker export` does: nothing from volumes, /proc or other mounts.
Result<int> run_export(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const engine::Container container =
      TRY(project::one_container(session, invocation.arguments[0], index_of(invocation), project::Running::any));
  const std::string path = invocation.flags.text("output");
  if (path.empty() && invocation.terminal.out_is_terminal)
    return fail(Error(Code::invalid, "output option is required when exporting to terminal"));
  if (invocation.dry_run) return 0;
  OutputFile output = TRY(OutputFile::open(path));
  TRY(session.engine.images().export_files(container.id, output.fd()));
  TRY(output.commit());
  return 0;
}

}  // namespace consort::cli
