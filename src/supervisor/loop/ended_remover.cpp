#include "supervisor/loop/ended_remover.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/os/processes/process.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/hold.hpp"
#include "supervisor/loop/command_program.hpp"

namespace consort::supervisor {

namespace {

using std::chrono::seconds;

constexpr const char* removal_job = "containers that go when they end";
// A command that holds a container removes it within milliseconds of its end.
constexpr seconds first_patience{1};
constexpr seconds longest_patience{60};

}  // namespace

void EndedRemover::on_ended(const ContainerUnit& unit) {
  if (unit.auto_remove) ask(unit.id, first_patience);
}

// When the project or the machine shuts down, do not start anything that would have to be waited for: the next boot, or
// the next command that looks, removes the rest.
void EndedRemover::ask(const std::string& id, seconds patience) {
  context_.loop.cancel(std::exchange(asked_again_[id], 0));
  asked_again_.erase(id);
  if (context_.shutting_down || !is_left(id)) return;
  if (is_held(context_.roots.container(id))) {
    const seconds next = std::min(patience * 2, longest_patience);
    asked_again_[id] = context_.loop.after(patience, [this, id, next] { ask(id, next); });
    return;
  }
  if (std::exchange(wanted_, true)) return;
  context_.cleaner.when_done(removal_job, [this] { start(); });
}

bool EndedRemover::is_left(const std::string& id) const {
  const Container* container = context_.find(id);
  return container && container->idle();
}

bool EndedRemover::is_waiting() const {
  return !context_.shutting_down &&
         std::ranges::any_of(asked_again_, [this](const auto& entry) { return is_left(entry.first); });
}

void EndedRemover::start() {
  wanted_ = false;
  if (context_.shutting_down) return;
  SpawnOptions options;
  const auto program = command_program(context_.init_program);
  if (!program) return log_line(std::string("remove ") + removal_job + ": " + program.error().message());
  options.argv = {*program, "internal", "remove-ended", context_.project};
  options.environment = command_environment(context_.roots);
  options.directory = "/";
  options.out = STDERR_FILENO;  // our log
  auto child = spawn(options);
  if (!child) return log_line(std::string("remove ") + removal_job + ": " + child.error().message());
  context_.cleaner.reap(removal_job, child->release());
}

}  // namespace consort::supervisor
