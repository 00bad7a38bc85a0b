#include "cli/commands/project/push_services.hpp"

#include "project/exec/cancellation.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"

namespace consort::cli {

// One after another: several at once would not be faster, and the output stays readable.
Result<> push_services(Workspace& workspace, project::Detail detail, PushFailures failures) {
  project::Session& session = workspace.session();
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(session.interrupt_fd, cancel));
  session.progress.begin("Pushing");
  for (const auto& [name, service] : project::loaded_project(session).services) {
    if (!service.build || service.image.empty()) {
      session.progress.event({.id = name, .text = "Skipped", .outlook = project::Outlook::done});
      continue;
    }
    session.progress.event({.id = name, .text = "Pushing"});
    if (session.dry_run == project::DryRun::no) {
      Result<> outcome = project::push_image(
          session, name, project::image_name(project::loaded_project(session), service), "", detail, cancel);
      if (!outcome) {
        session.progress.event(
            {.id = name, .text = "Error", .status = outcome.error().message(), .outlook = project::Outlook::error});
        if (failures == PushFailures::ignore && outcome.error().code() != Code::interrupted) continue;
        session.progress.finish();
        return outcome;
      }
    }
    session.progress.event({.id = name, .text = "Pushed", .outlook = project::Outlook::done});
  }
  session.progress.finish();
  return {};
}

}  // namespace consort::cli
