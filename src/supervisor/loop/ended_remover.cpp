#include "supervisor/loop/ended_remover.hpp"

#include <unistd.h>

#include <utility>

#include "base/os/process.hpp"
#include "supervisor/hold.hpp"
#include "supervisor/loop/command_program.hpp"

namespace consort::supervisor {

namespace {

constexpr const char* removal_job = "containers that go when they end";

}  // namespace

void EndedRemover::on_ended(const ContainerUnit& unit) {
  if (!unit.auto_remove || is_held(context_.roots.container(unit.id)) || std::exchange(wanted_, true)) return;
  context_.cleaner.when_done(removal_job, [this] { start(); });
}

void EndedRemover::start() {
  wanted_ = false;
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
