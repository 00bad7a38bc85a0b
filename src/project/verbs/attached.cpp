// `up` without -d: shows the containers' output until they end or the user stops them.
#include <algorithm>

#include "base/strings.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/exec/silent_progress.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/verbs/following.hpp"
#include "project/verbs/up.hpp"
#include "project/verbs/watch_thread.hpp"

namespace consort::project {

namespace {

constexpr int interrupted_status = 130;

// Stops the named services, or all of them; their dependencies keep running. An interrupt kills them. One that arrives
// before they can be killed is kept until then, because `till_then` is listening.
Result<> stop_services(Session& session, const std::set<std::string>& named, std::optional<Listening>& till_then,
                       const RunDetail& detail) {
  const Observed observed = TRY(observe(session, Look::containers));
  Containers mine;
  for (const engine::Container& container : observed.containers)
    if (loaded_project(session).services.contains(container.service) && !container.oneoff &&
        (named.empty() || named.contains(container.service)))
      mine.push_back(container);
  // The stop itself is not interrupted: killed containers have stopped, and the plan notices that.
  Session patient = session;
  patient.interrupt_fd = -1;
  const auto force = TRY(OnInterrupt::create(session.interrupt_fd, [&] {
    for (const engine::Container& container : mine) (void)session.engine.kill_container(container.id, "KILL");
  }));
  till_then.reset();  // the next signal kills, the one after that ends this command
  StopPlanOptions options;
  add_from_file(options, loaded_project(session), named);
  return execute(patient, plan_stop(mine, ServiceGraph::of(loaded_project(session)), options), "Stopping", detail);
}

Result<int> code_of_service(Session& session, const std::string& service) {
  for (const engine::Container& container : TRY(session.engine.list({.project = session.project_name})))
    if (container.service == service && !container.oneoff && !is_hook(container))
      return container.state.exit_code.value_or(1);
  return fail(Code::not_found, "no such service: " + service);
}

class AttachedUp {
 public:
  AttachedUp(Session& session, const UpOptions& options, const AttachOptions& attach)
      : session_(session), options_(options), attach_(attach) {}

  Result<int> run() {
    // Before anything is started: nothing is started if the sources cannot be watched, and no change is missed during
    // the start.
    std::optional<WatchThread> watching;
    if (attach_.watch) watching.emplace(TRY(prepare_watching()));
    UpOptions creating = options_;
    creating.converge.after = AfterCreate::nothing;
    TRY(bring_up(session_, creating));
    if (session_.dry_run == DryRun::yes) return 0;
    std::vector<engine::Container> attached;
    for (const engine::Container& container : TRY(session_.engine.list({.project = session_.project_name})))
      if (attach_.services.contains(container.service) && !container.oneoff && !is_hook(container))
        attached.push_back(container);
    announce(attached);
    // From here on, an interrupt at any point stops what was started.
    listening_.emplace();
    for (const engine::Container& container : attached) session_.engine.note_event(container, "attach");
    const auto following = TRY(Following::begin(session_.engine, session_.project_name, attach_));
    const SystemTime now = system_now();
    for (const engine::Container& container : attached)
      if (container.state.running()) following->follower().add(container, now);
    Result<> started = start(*following, now);
    if (!started && started.error().code() == Code::interrupted) return interrupt(*following);
    if (!started) return fail(std::move(started).error());
    following->follower().complete();
    if (attach_.settled) attach_.settled();
    following_ = following.get();
    if (watching) watching->begin();
    if (attach_.keys) attach_.keys->show(watching ? WatchState::on : WatchState::off);
    Following::Event event{};
    while (true) {
      event = following->wait(session_.interrupt_fd, attach_.keys ? attach_.keys->fd() : -1);
      if (event != Following::Event::typed) break;
      if (typed(watching) == AttachKeys::Key::detach) return 0;  // everything keeps running
    }
    watching.reset();
    if (attach_.keys) attach_.keys->close();
    if (event == Following::Event::interrupt) return interrupt(*following);
    return event == Following::Event::abort ? abort(*following) : ended(*following);
  }

 private:
  Result<int> ended(Following& following) {
    TRY(following.finish());
    return attach_.exit_code_from.empty() ? Result<int>(0) : code_of_service(session_, attach_.exit_code_from);
  }

  Result<WatchThread> prepare_watching() {
    ReactOptions react = *attach_.react;
    react.busy = [this, show = react.busy](ReactOptions::Busy busy) {
      if (show && busy == ReactOptions::Busy::yes) show(busy);
      following_->expect(busy);
      if (show && busy == ReactOptions::Busy::no) show(busy);
    };
    return WatchThread::prepare(session_, attach_.rebuilds, std::move(react));
  }

  AttachKeys::Key typed(std::optional<WatchThread>& watching) {
    const AttachKeys::Key key = attach_.keys->next();
    if (key == AttachKeys::Key::detach) watching.reset();
    if (key != AttachKeys::Key::watch || !attach_.react) return key;
    if (watching) {
      watching.reset();
    } else if (auto prepared = prepare_watching()) {
      watching.emplace(std::move(*prepared)).begin();
    } else {
      attach_.react->say(prepared.error().message());
    }
    attach_.keys->show(watching ? WatchState::on : WatchState::off);
    return key;
  }

  void announce(const std::vector<engine::Container>& attached) {
    std::vector<std::string> names;
    for (const engine::Container& container : attached) names.push_back(short_name(container));
    std::ranges::sort(names);
    for (const std::string& name : names) attach_.sink->join(name);
    if (!names.empty()) attach_.say("Attaching to " + join(names, ", "));
  }

  // The second plan finds that everything has been created, and starts it.
  Result<> start(Following& following, SystemTime since) {
    SilentProgress silent(session_.progress);
    Session quiet{.engine = session_.engine,
                  .progress = silent,
                  .project_name = session_.project_name,
                  .project = session_.project,
                  .parallel = session_.parallel,
                  .interrupt_fd = session_.interrupt_fd,
                  .separator = session_.separator,
                  .env_files = session_.env_files};
    ConvergeOptions converge = options_.converge;
    converge.after = AfterCreate::start;
    converge.orphans = Orphans::ignore;
    converge.provided = session_.provided;
    converge.recreate = converge.recreate_dependencies = Recreate::never;
    const Observed observed = TRY(observe(quiet, Look::everything));
    Plan plan = TRY(plan_converge(loaded_project(session_), observed, converge));
    plan.warnings.clear();
    RunDetail detail = showing_hooks();
    detail.on_started = [&](const std::string& key) {
      const auto container = session_.engine.inspect(key);
      if (container && attach_.services.contains(container->service)) following.follower().add(*container, since);
    };
    return execute(quiet, plan, "Running", detail);
  }

  // Shows the hooks' output among that of the containers.
  RunDetail showing_hooks() const {
    RunDetail detail = options_.detail;
    detail.on_hook_line = [this](const std::string& service, const std::string& source, const engine::LogLine& line) {
      if (attach_.services.contains(service)) attach_.sink->line(source, line);
    };
    return detail;
  }

  Result<int> interrupt(Following& following) {
    attach_.say("Gracefully Stopping... press Ctrl+C again to force");
    TRY(stop_services(session_, attach_.stopped, listening_, showing_hooks()));
    TRY(following.finish());
    attach_.say("");
    return interrupted_status;
  }

  Result<int> abort(Following& following) {
    attach_.say_aborting("Aborting on container exit...");
    const int code = following.abort_code();
    TRY(stop_services(session_, attach_.named, listening_, showing_hooks()));
    TRY(following.finish());
    return attach_.exit_code_from.empty() ? Result<int>(code) : code_of_service(session_, attach_.exit_code_from);
  }

  Session& session_;
  const UpOptions& options_;
  const AttachOptions& attach_;
  std::optional<Listening> listening_;
  Following* following_ = nullptr;  // set while changes are being followed
};

}  // namespace

Result<int> up_attached(Session& session, const UpOptions& options, const AttachOptions& attach) {
  return AttachedUp(session, options, attach).run();
}

}  // namespace consort::project
