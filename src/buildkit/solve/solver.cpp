#include "buildkit/solve/solver.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/loop/stop_event.hpp"
#include "buildkit/session/client.hpp"
#include "buildkit/solve/failure.hpp"
#include "buildkit/solve/inputs.hpp"
#include "buildkit/solve/outputs.hpp"
#include "engine/engine.hpp"
#include "engine/ignore.hpp"
#include "engine/images.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t max_definition_file = std::size_t{4} << 20;
constexpr int max_depth = 8;

Result<Fd> make_directory(const std::string& path) {
  TRY(make_directories(path, 0700));
  return open_file(path, O_RDONLY | O_DIRECTORY);
}

}  // namespace

// A directory for this build, removed with it: received/ as the client sent it, definition/ with the files that the
// builder may read of that, context/ and named/N.
struct Solver::Directories {
  ScratchDirectory scratch;
  std::string operator/(const std::string& name) const { return scratch.path() + "/" + name; }
};

Result<SolveOutcome> Solver::solve(const SolveInput& input) {
  SolvePlan plan = TRY(read_attributes(input.attributes));
  const Outputs outputs = TRY(read_outputs(input.exporters));
  // A step with all privileges on the machine is not for everyone who may build; Docker's engine refuses it as well.
  for (const std::string& entitlement : input.entitlements)
    if (entitlement != "network.host")
      return fail(Error(Code::denied)
                      .why("granting entitlement " + entitlement + " is not allowed by build daemon configuration"));
  session_ = TRY(sessions_.wait_for(input.session, cancel_));
  const std::string passing = build::passing_directory(engine_.roots());
  TRY(make_directories(passing, 0700));
  (void)ScratchDirectory::sweep(passing, "build");
  const Directories directories{TRY(ScratchDirectory::create(passing, "build"))};
  plan.request.tags = outputs.names;
  plan.request.entitlements = input.entitlements;
  plan.request.cache_from = TRY(cache_specs(input.cache_imports));
  plan.request.cache_to = TRY(cache_specs(input.cache_exports));
  plan.request.goal = plan.subrequest.empty() ? build::Goal::image : build::Goal::check_only;
  TRY(get_definition(plan, directories));
  TRY(get_named_contexts(plan, directories));
  for (const BuiltContext& context : plan.built_contexts) {
    const std::string image = TRY(build_input(input, context.input));
    plan.request.additional_contexts.push_back({context.name, "docker-image://" + image});
  }
  engine::BuildRun run = run_of(plan, directories);
  const StopEvent stop = TRY(StopEvent::of(cancel_));
  run.cancel_fd = stop.fd();
  if (!plan.remote_context.empty()) run.remote.context = {};
  const std::set<std::string> before = outputs.keep_image ? std::set<std::string>() : TRY(image_ids());
  SolveOutcome outcome;
  outcome.result = TRY(engine_.builds().run(plan.request, run));
  agents_.clear();
  if (plan.subrequest.empty()) feed_.warn(outcome.result, plan.filename);
  for (const auto& [number, exporter] : outputs.others)
    TRY(send_output(engine_, *session_, exporter, number, outcome.result.image_id, feed_, cancel_));
  if (!outcome.result.image_id.empty() && outputs.keep_image) {
    outcome.response["containerimage.digest"] = outcome.result.image_id;
    outcome.response["containerimage.config.digest"] = outcome.result.image_id;
    std::string names;
    for (const std::string& tag : outcome.result.tags) names += (names.empty() ? "" : ",") + tag;
    if (!names.empty()) outcome.response["image.name"] = names;
  }
  if (!outputs.keep_image) drop_image(outcome.result.image_id, before);
  return outcome;
}

Result<std::set<std::string>> Solver::image_ids() {
  std::set<std::string> ids;
  for (const image::Image& image : TRY(engine_.images().list())) ids.insert(image.id);
  return ids;
}

// No image was requested; its layers belong to the build cache. An image that existed before is not ours.
void Solver::drop_image(const std::string& id, const std::set<std::string>& before) {
  if (id.empty() || before.contains(id)) return;
  const std::optional<image::Image> image = engine_.images().look_up(id).value_or(std::nullopt);
  if (image && !image->is_named()) (void)engine_.images().remove(id);
}

// Builds that share one of the client's directories (targets of bake) get it through the session of one of them.
Result<std::shared_ptr<Session>> Solver::session_of(const SolvePlan& plan, const std::string& directory) {
  const auto other = plan.sessions.find(directory);
  if (other == plan.sessions.end() || other->second == session_->id()) return session_;
  return sessions_.wait_for(other->second, cancel_);
}

// Copies the file, so that the builder cannot follow a symlink out of the directory that the client sent.
Result<> Solver::copy_if_there(int from, const std::string& name, const std::string& to) const {
  const auto file = open_in_root(from, name, O_RDONLY | O_NONBLOCK);
  if (!file && file.error().code() == Code::not_found) return {};
  if (!file) return fail(file.error());
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return fail_errno("look at", name);
  if (!S_ISREG(status.st_mode)) return fail(Error(Code::invalid, "read").on(name).why("it is not a file"));
  return write_file_atomic(to, TRY(read_all(file->get(), max_definition_file)), 0600);
}

Result<> Solver::get_definition(SolvePlan& plan, const Directories& directories) {
  const std::string definition = directories / "definition";
  TRY(make_directories(definition, 0700));
  plan.request.context = definition;
  plan.request.dockerfile = base_name(plan.filename);
  if (!plan.remote_context.empty()) return get_remote_definition(plan, directories);
  ProgressFeed::Step step(feed_, "[internal] load build definition from " + plan.request.dockerfile);
  feed_.hide("[internal] load build definition from " + plan.request.dockerfile);
  step.transfer("dockerfile:");
  std::vector<std::string> files{plan.filename, plan.filename + ".dockerignore"};
  if (plan.filename == "Dockerfile") files.emplace_back("dockerfile");
  FileWish wish{.directory = plan.dockerfile_directory, .follow = files};
  const std::string received = directories / "received";
  auto got = receive_files(
      *TRY(session_of(plan, wish.directory)), wish, TRY(make_directory(received)),
      [&](std::uint64_t bytes) { step.transferred(bytes); }, cancel_);
  if (!got) {
    step.failed(got.error().message());
    return std::unexpected(std::move(got).error());
  }
  const Fd root = TRY(open_file(received, O_RDONLY | O_DIRECTORY));
  for (const std::string& file : files) TRY(copy_if_there(root.get(), file, definition + "/" + base_name(file)));
  const std::string path = definition + "/" + plan.request.dockerfile;
  if (!path_exists(path) && !(plan.filename == "Dockerfile" && path_exists(definition + "/dockerfile"))) {
    const std::string why = "failed to read dockerfile: open " + plan.filename + ": no such file or directory";
    step.failed(why);
    return fail(Error(Code::invalid).why(why));
  }
  step.done();
  constexpr const char* title = "[internal] load .dockerignore";
  if (path_exists(path + ".dockerignore")) {
    if (plan.subrequest.empty()) feed_.pend(title, "context:", 0);
    return {};
  }
  const std::string ignore = directories / "ignore";
  FileWish ignore_wish{.directory = plan.context_directory, .follow = {".dockerignore"}};
  const std::uint64_t bytes = TRY(receive_files(*TRY(session_of(plan, plan.context_directory)), ignore_wish,
                                                TRY(make_directory(ignore)), {}, cancel_));
  if (plan.subrequest.empty()) feed_.pend(title, "context:", bytes);
  const Fd ignore_root = TRY(open_file(ignore, O_RDONLY | O_DIRECTORY));
  return copy_if_there(ignore_root.get(), ".dockerignore", definition + "/.dockerignore");
}

// Lets the builder fetch it. The Dockerfile is in it, or is sent separately by the client.
Result<> Solver::get_remote_definition(SolvePlan& plan, const Directories& directories) {
  constexpr std::string_view from_session = "http://buildkit-session/";
  if (plan.remote_context.starts_with(from_session)) {
    const std::string archive = directories / "upload.tar";
    const std::string path = plan.remote_context.substr(from_session.size() - 1);
    {
      const Fd file = TRY(open_file(archive, O_WRONLY | O_CREAT | O_EXCL, 0600));
      ProgressFeed::Step step(feed_, "[internal] load remote build context");
      TRY(fetch_upload(*session_, path, file.get(), cancel_));
      step.done();
    }
    plan.request.context = TRY(unpack_upload(archive, directories / "upload", plan));
    return {};
  }
  plan.request.context = plan.remote_context;
  plan.request.dockerfile = plan.filename;
  return {};
}

Result<> Solver::get_named_contexts(SolvePlan& plan, const Directories& directories) {
  int number = 0;
  for (const LocalContext& context : plan.local_contexts) {
    const std::string directory = directories / ("named-" + std::to_string(number++));
    ProgressFeed::Step step(feed_, "[context " + context.name + "] load from client");
    step.transfer(context.name + ":");
    auto got = receive_files(
        *TRY(session_of(plan, context.directory)), {.directory = context.directory}, TRY(make_directory(directory)),
        [&](std::uint64_t bytes) { step.transferred(bytes); }, cancel_);
    if (!got) {
      step.failed(got.error().message());
      return std::unexpected(std::move(got).error());
    }
    step.done();
    plan.request.additional_contexts.push_back({context.name, directory});
  }
  return {};
}

Result<std::string> Solver::get_context(const SolvePlan& plan, const Directories& directories,
                                        const std::vector<std::string>& paths) {
  feed_.show_pending();
  const std::string definition = directories / "definition";
  FileWish wish{.directory = plan.context_directory, .follow = paths};
  for (const std::string& name : {plan.request.dockerfile + ".dockerignore", std::string(".dockerignore")}) {
    const auto text = read_file(definition + "/" + name, max_definition_file);
    if (!text) continue;
    wish.exclude = build::parse_ignore_file(*text);
    break;
  }
  ProgressFeed::Step step(feed_, "[internal] load build context");
  step.transfer("context:");
  std::string directory = directories / "context";
  auto got = receive_files(
      *TRY(session_of(plan, wish.directory)), wish, TRY(make_directory(directory)),
      [&](std::uint64_t bytes) { step.transferred(bytes); }, cancel_);
  if (!got) {
    step.failed(got.error().message());
    return std::unexpected(std::move(got).error());
  }
  step.done();
  return directory;
}

engine::BuildRun Solver::run_of(const SolvePlan& plan, const Directories& directories) {
  engine::BuildRun run;
  run.progress = [this](const build::ProgressEvent& event) { feed_.take(event); };
  run.failed = [this](const build::StepFailure& failure) { failure_ = failure; };
  run.cancel = cancel_;
  run.remote.context = [this, &plan, &directories](const std::vector<std::string>& paths) {
    return get_context(plan, directories, paths);
  };
  run.remote.secret = [this](const std::string& id) { return get_secret(*session_, id, cancel_); };
  run.remote.ssh_agent = [this, &directories](const std::string& id) -> Result<std::string> {
    const std::string path = directories / ("agent-" + std::to_string(agents_.size()));
    auto agent = TRY(AgentSocket::open(session_, id, path));
    if (!agent) return std::string();
    agents_.push_back(std::move(agent));
    return path;
  };
  run.login = [this](const std::string& registry) -> Result<std::optional<image::Login>> {
    const std::string host = registry == "docker.io" ? "registry-1.docker.io" : registry;
    const auto login = TRY(get_login(*session_, host, cancel_));
    if (!login) return std::nullopt;
    return image::Login{login->username, login->secret};
  };
  return run;
}

// The result of another build, as an image on this machine. When that build has ended, its client may be gone with all
// the files. If no image of it was kept, it is built again, mostly from the cache.
Result<std::string> Solver::build_input(const SolveInput& input, const std::string& key) {
  const auto found = input.inputs.find(key);
  if (found == input.inputs.end()) return fail(Error(Code::invalid).why("there is no input \"" + key + "\""));
  const BuiltReference reference = TRY(built_reference(found->second));
  const auto job = jobs_.find(reference.job);
  const auto solved = job ? job->result(reference.result) : std::nullopt;
  if (!solved) return fail(Error(Code::not_found).why("the build that \"" + key + "\" refers to is not known here"));
  if (depth_ >= max_depth) return fail(Error(Code::invalid).why("builds refer to each other too deeply"));
  const wire::SolveRequest request = TRY(job->wait_for_request(cancel_));
  if (job.get() != &job_) {
    const auto made = TRY(job->wait_for_image(reference.result, cancel_));
    if (made && TRY(engine_.images().look_up(*made))) return *made;
  }
  SolveInput other{.session = request.session(),
                   .attributes = {solved->frontend_opt().begin(), solved->frontend_opt().end()},
                   .inputs = {solved->frontend_inputs().begin(), solved->frontend_inputs().end()},
                   .exporters = {image_exporter()},
                   .entitlements = input.entitlements,
                   .cache_imports = {},
                   .cache_exports = {}};
  Solver solver(engine_, sessions_, jobs_, job_, cancel_, key);
  solver.feed_.hide("exporting to image");
  solver.depth_ = depth_ + 1;
  auto outcome = solver.solve(other);
  if (!outcome) {
    failure_ = solver.failure_;
    return std::unexpected(std::move(outcome).error());
  }
  return outcome->result.image_id;
}

RpcStatus Solver::status_of(const Error& error) const {
  RpcStatus status = buildkit::status_of(error);
  // For all other codes, clients would put the code's name before the text.
  if (status.code != RpcCode::canceled) status.code = RpcCode::unknown;
  if (failure_) status.details = failure_details(status, *failure_);
  return status;
}

}  // namespace consort::buildkit
