#include "project/exec/pre_start.hpp"

#include <thread>

#include "base/strings.hpp"
#include "project/exec/conditions.hpp"
#include "project/exec/log_follower.hpp"

namespace consort::project {

namespace {

constexpr std::size_t tail_lines = 10;
constexpr std::size_t tail_bytes = 2048;

// Passes the hook's output, line by line, to the caller's display.
class HookSink final : public LogSink {
 public:
  explicit HookSink(std::function<void(const engine::LogLine&)> tell) : tell_(std::move(tell)) {}
  void join(const std::string&) override {}
  void line(const std::string&, const engine::LogLine& line) override { tell_(line); }
  void status(const std::string&) override {}

 private:
  std::function<void(const engine::LogLine&)> tell_;
};

// Shows the output while the hook runs; the destructor waits until everything has been shown.
class HookOutput {
 public:
  static Result<std::unique_ptr<HookOutput>> begin(Session& session, const std::string& container, SystemTime since,
                                                   std::function<void(const engine::LogLine&)> tell) {
    std::unique_ptr<HookOutput> output(new HookOutput(std::move(tell)));
    output->follower_ = TRY(LogFollower::create(session.engine, session.project_name, output->sink_, {}));
    output->follower_->add(TRY(session.engine.inspect(container)), since);
    output->thread_ = std::thread([raw = output.get()] { (void)raw->follower_->run(); });
    return output;
  }
  ~HookOutput() {
    if (follower_) follower_->finish();
    if (thread_.joinable()) thread_.join();
  }
  HookOutput(const HookOutput&) = delete;
  HookOutput& operator=(const HookOutput&) = delete;

 private:
  explicit HookOutput(std::function<void(const engine::LogLine&)> tell) : sink_(std::move(tell)) {}
  HookSink sink_;
  std::unique_ptr<LogFollower> follower_;
  std::thread thread_;
};

// The end of its output: from standard error or, if that is empty, from standard output.
std::string tail_of(engine::Engine& engine, const std::string& container) {
  std::vector<std::string> out, err;
  auto reader = engine.logs(container, {});
  if (!reader) return {};
  engine::LogReader::LineHandler take = [&](const engine::LogLine& line) {
    std::vector<std::string>& lines = line.stream == engine::LogStream::err ? err : out;
    lines.emplace_back(line.text);
    if (lines.size() > tail_lines) lines.erase(lines.begin());
  };
  if (!reader->read(take)) return {};
  reader->flush(take);
  std::string text = join(err.empty() ? out : err, "\n");
  if (text.size() > tail_bytes) text.erase(0, text.size() - tail_bytes);
  return text;
}

enum class Reached : std::uint8_t { nothing, start };

Result<> run(Session& session, const Operation& operation, const RunPreStart& hook, const RunDetail& detail,
             const Cancellation& cancel, Reached& reached) {
  const SystemTime begun = system_now();
  TRY(session.engine.start_container(operation.target, {.cancel_fd = cancel.user_fd()}));
  reached = Reached::start;
  std::unique_ptr<HookOutput> output;
  const std::string source = operation.service + " pre_start[" + std::to_string(hook.index) + "] ->";
  const auto tell = [&](const engine::LogLine& line) { detail.on_hook_line(operation.service, source, line); };
  if (detail.on_hook_line) output = TRY(HookOutput::begin(session, operation.target, begun, tell));
  return await_condition(session.engine, session.project_name, operation, Awaited::completed, cancel);
}

}  // namespace

Result<> run_pre_start(Session& session, const Operation& operation, const RunPreStart& hook, const RunDetail& detail,
                       const Cancellation& cancel) {
  engine::Engine& engine = session.engine;
  Reached reached = Reached::nothing;
  Result<> outcome = run(session, operation, hook, detail, cancel, reached);
  const auto after = engine.inspect(operation.target);
  std::optional<int> code;  // set if it has ended by itself
  if (reached == Reached::start && after && after->state.ended()) code = after->state.exit_code;
  const bool interrupted = !outcome && outcome.error().code() == Code::interrupted;
  const std::string which = "service \"" + operation.service + "\" pre_start[" + std::to_string(hook.index) + "]";
  if (outcome || interrupted || !code) {
    const auto removed =
        engine.remove_container(operation.target, {engine::Force::yes, engine::AnonymousVolumes::remove});
    if (!removed) session.progress.warn("remove " + operation.target + ": " + removed.error().message());
    if (outcome) return {};
    if (interrupted) return fail(Code::interrupted, "interrupted");
    return fail(std::move(outcome).error().wrap(which));
  }
  const std::string tail = tail_of(engine, operation.target);
  return fail(Error(Code::conflict, which + " exited with status " + std::to_string(*code) +
                                        (tail.empty() ? "" : ": " + tail) + " (container " + after->id.substr(0, 12) +
                                        " is kept for inspection)")
                  .hint("`consort up` runs it again; `consort down` removes its container"));
}

}  // namespace consort::project
