#include "cli/commands/machine/ensure_image.hpp"

#include "project/exec/cancellation.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

Result<> ensure_image(Workspace& workspace, const ParsedFlags& flags, const std::string& image) {
  const std::string when = flags.text("pull", "missing");
  if (when != "always" && when != "missing" && when != "never")
    return fail(Code::invalid,
                "invalid pull option: '" + when + "': must be one of \"always\", \"missing\" or \"never\"");
  project::Session& session = workspace.session();
  const std::string platform = flags.text("platform");
  if (when != "always" && TRY(project::find_image(session, image, platform))) return {};
  if (when == "never") return fail(Code::not_found, "No such image: " + image);
  const std::string name = TRY(image::Reference::parse(image)).familiar();
  if (when == "missing") print_err("Unable to find image '" + name + "' locally\n");
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto interrupts = TRY(project::cancel_on_interrupt(session.interrupt_fd, cancel));
  const project::Detail detail = flags.on("quiet") ? project::Detail::quiet : project::Detail::all;
  session.progress.begin("Pulling");
  Result<> pulled = project::pull_image(session, name, image, platform, detail, cancel);
  session.progress.finish();
  return pulled;
}

}  // namespace consort::cli
