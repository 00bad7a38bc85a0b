#include "project/verbs/watch.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/time.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"

namespace consort::project {

namespace {

// From this number on people are told, because it may take a moment.
constexpr std::size_t large_batch = 1000;

// How often to check git while it holds changes back.
constexpr std::chrono::milliseconds git_pause{25};

int milliseconds_until(const std::optional<ChangeBatch::Time>& when) {
  if (!when) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*when - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<std::unique_ptr<Watching>> Watching::create(Session& session, Rebuilds rebuilds, const ReactOptions& options) {
  return create(loaded_project(session), rebuilds, options,
                [&](const WatchRules& rules) { return std::make_unique<Reactor>(session, rules, options); });
}

Result<std::unique_ptr<Watching>> Watching::create(const compose::Project& project, Rebuilds rebuilds,
                                                   const ReactOptions& options, const MakeHandler& make) {
  std::unique_ptr<Watching> watching(new Watching(options));
  watching->rules_ = TRY(watch_rules(project, rebuilds));
  for (const std::string& warning : watching->rules_.warnings) options.warn(warning);
  watching->handler_ = make(watching->rules_);
  TreeWatchOptions tree;
  tree.roots = watching->rules_.roots();
  watching->git_ = GitLocks::of(tree.roots);
  tree.skip = [raw = watching.get()](const std::string& directory) { return raw->rules_.skips(directory); };
  tree.unreadable = [&options](const std::string& directory, const Error& why) {
    options.warn("changes in " + directory + " will not be seen: " + why.message());
  };
  watching->tree_ = std::make_unique<TreeWatch>(TRY(TreeWatch::create(std::move(tree))));
  return watching;
}

Result<> Watching::run(int stop_fd) {
  std::set<std::string> services;
  for (const WatchRule& rule : rules_.rules) services.insert(rule.service);
  TRY(handler_->sync_initially(services));
  options_.say("Watch enabled");
  while (TRY(wait(stop_fd))) {
    const std::vector<std::string> changes = complete_changes();
    if (changes.empty()) continue;
    Result<> outcome = react_to(changes);
    if (outcome) continue;
    if (outcome.error().code() == Code::interrupted) return outcome;
    options_.warn("Error handling changed files: " + outcome.error().message());
  }
  options_.say("Watch disabled");
  return {};
}

// False: it has ended.
Result<bool> Watching::wait(int stop_fd) {
  const Listening listening;
  std::array<pollfd, 2> fds{pollfd{stop_fd, POLLIN, 0}, pollfd{tree_->fd(), POLLIN, 0}};
  const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(std::max(batch_.due(), not_before_)));
  if (ready < 0) return errno == EINTR ? Result<bool>(true) : fail_errno("poll");
  if (fds[0].revents) return false;
  if (fds[1].revents) TRY(take_changes());
  return true;
}

// A checkout is over when git says so.
std::vector<std::string> Watching::complete_changes() {
  const auto now = ChangeBatch::Time::clock::now();
  const auto due = batch_.due();
  not_before_.reset();
  if (due && *due <= now && git_.held()) {
    not_before_ = now + git_pause;
    return {};
  }
  return batch_.take(now);
}

Result<> Watching::take_changes() {
  for (const TreeChange& change : TRY(tree_->take())) {
    const bool wanted =
        std::ranges::any_of(rules_.rules, [&](const WatchRule& rule) { return rule.concerns(change.path); });
    if (!wanted) continue;
    const auto now = ChangeBatch::Time::clock::now();
    change.kind == TreeChange::Kind::settled ? batch_.settled(change.path, now) : batch_.writing(change.path, now);
  }
  return {};
}

Result<> Watching::react_to(const std::vector<std::string>& changes) {
  const Reaction reaction = react(rules_, changes);
  if (reaction.empty() && reaction.exec.empty()) return {};
  if (changes.size() > large_batch)
    options_.say("Large batch of file changes detected. If you just switched branches, this is expected.");
  const std::string count = "count[" + std::to_string(changes.size()) + "]";
  if (options_.debug) options_.debug("batch start: " + count);
  if (options_.busy) options_.busy(ReactOptions::Busy::yes);
  const auto begun = std::chrono::steady_clock::now();
  Result<> outcome = handler_->run(reaction);
  const Nanoseconds taken = std::chrono::steady_clock::now() - begun;
  if (options_.busy) options_.busy(ReactOptions::Busy::no);
  if (options_.debug) options_.debug("batch complete: duration[" + format_duration(taken) + "] " + count);
  return outcome;
}

}  // namespace consort::project
