// commit and export: a container's files become an image, or an archive.
#include <unistd.h>

#include <memory>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/image_change.hpp"
#include "cli/commands/output_file.hpp"
#include "cli/commands/selection.hpp"
#include "cli/signals.hpp"
#include "image/transfer.hpp"
#include "project/exec/listening.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

// What the container was started with is what the image starts with, as `docker commit` does it; what the image only
// knows itself (layers, history, platform) comes from its own configuration.
image::ImageConfig config_of(const engine::ContainerDetails& container, image::ImageConfig config) {
  const engine::ProcessConfig& process = container.process;
  config.env = process.environment;
  config.entrypoint = process.entrypoint;
  config.cmd = process.command;
  config.user = process.user;
  config.working_dir = process.working_dir;
  config.stop_signal = process.stop_signal;
  config.exposed_ports = process.exposed;
  config.volumes = process.volumes;
  config.labels = process.labels;
  config.shell = process.shell;
  config.healthcheck.reset();
  if (const auto& health = process.health; health && health->test) {
    config.healthcheck = image::Healthcheck{.test = *health->test,
                                            .interval = health->interval.value_or(Nanoseconds(0)),
                                            .timeout = health->timeout.value_or(Nanoseconds(0)),
                                            .start_period = health->start_period.value_or(Nanoseconds(0)),
                                            .start_interval = health->start_interval.value_or(Nanoseconds(0)),
                                            .retries = static_cast<int>(health->retries.value_or(0))};
  }
  return config;
}

// Frozen for as long as its files are read; who interrupts that ends the command, and the container runs on.
class Pause {
 public:
  static Result<std::unique_ptr<Pause>> begin(project::Session& session, const engine::Container& container) {
    std::unique_ptr<Pause> pause(new Pause(session.engine, container.id));
    TRY(session.engine.pause_container(container.id));
    pause->paused_ = true;
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
    if (paused_) (void)engine_.unpause_container(id_);  // one that has ended meanwhile needs none
  }

  const project::Listening listening_;
  engine::Engine& engine_;
  std::string id_;
  bool paused_ = false;
  std::unique_ptr<project::OnInterrupt> on_interrupt_;
};

Result<image::Image> commit(project::Session& session, const Invocation& invocation,
                            const engine::Container& container) {
  engine::Engine& engine = session.engine;
  image::Store& store = engine.images();
  const image::Image parent = TRY(store.find(container.image_id));
  const engine::ContainerDetails details = TRY(engine.inspect(container.id));
  image::CommitOptions options;
  options.config = config_of(details, TRY(store.config_of(parent)));
  for (const std::string& change : invocation.flags.list("change")) TRY(apply_change(change, options.config));
  options.config.author = invocation.flags.text("author", options.config.author);
  options.comment = invocation.flags.text("message");
  if (invocation.arguments.size() > 1) options.names.push_back(TRY(image::Reference::parse(invocation.arguments[1])));
  // Empty files and folders that the engine puts under what it mounts.
  options.leave_out = {"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv", "dev",
                       "proc",      "sys",          "sbin/docker-init"};
  std::unique_ptr<Pause> frozen;
  if (invocation.flags.on("pause") && container.state.status == engine::Status::running)
    frozen = TRY(Pause::begin(session, container));
  image::Image made =
      TRY(image::commit_container(store, parent, engine.roots().container(container.id) + "/upper", options));
  engine.note_event(container, "commit",
                    {{"comment", options.comment},
                     {"imageID", made.id},
                     {"imageRef", options.names.empty() ? "" : options.names.front().familiar()}});
  return made;
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

// Its own files alone, as `docker export` gives them: nothing of its volumes, /proc and what else is mounted.
Result<int> run_export(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const engine::Container container =
      TRY(project::one_container(session, invocation.arguments[0], index_of(invocation), project::Running::any));
  const std::string path = invocation.flags.text("output");
  if (path.empty() && invocation.terminal.out_is_terminal)
    return fail(Error(Code::invalid, "output option is required when exporting to terminal"));
  if (invocation.dry_run) return 0;
  image::Store& store = session.engine.images();
  const std::vector<std::string> layers = TRY(store.layer_paths(TRY(store.find(container.image_id))));
  OutputFile output = TRY(OutputFile::open(path));
  session.engine.note_event(container, "export");
  TRY(image::export_rootfs(layers, session.engine.roots().container(container.id) + "/upper", output.fd()));
  TRY(output.commit());
  return 0;
}

}  // namespace consort::cli
