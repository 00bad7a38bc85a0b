#include "cli/remote_consent.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "cli/render/confirm.hpp"

namespace consort::cli {

namespace {

// The first things to check in a remote file: what it runs, and what that may access on this machine.
std::string rights_of(const compose::Service& service) {
  std::vector<std::string> rights;
  if (service.privileged) rights.emplace_back("privileged");
  if (service.network_mode == "host") rights.emplace_back("the host's network");
  if (service.pid == "host") rights.emplace_back("the host's processes");
  for (const compose::Mount& mount : service.volumes)
    if (mount.type == compose::MountType::bind) rights.push_back("mounts " + mount.source);
  return join(rights, ", ");
}

std::string contents(const std::vector<project::RemoteFile>& files, const compose::Project& project) {
  std::string text = "These files come from other sources:\n";
  for (const project::RemoteFile& file : files)
    text += "  " + file.source + "\n    " + file.identity + "\n    read it in " + file.path + "\n";
  text += "With them the project \"" + project.name + "\" runs:\n";
  for (const auto& [name, service] : project.services) {
    const std::string rights = rights_of(service);
    text += "  " + name + ": " + (service.build ? "built from " + service.build->context : service.image) +
            (rights.empty() ? "" : " (" + rights + ")") + "\n";
  }
  return text;
}

}  // namespace

Result<> agree_to_remote_files(const Invocation& invocation, const project::RemoteFiles& remote,
                               const compose::Project& project) {
  if (invocation.dry_run) return {};
  std::vector<project::RemoteFile> files = remote.used();
  std::erase_if(files, [](const project::RemoteFile& file) { return file.approved; });
  if (files.empty()) return {};
  if (!invocation.flags.on("yes")) {
    print_out(contents(files, project));
    if (!invocation.terminal.in_is_terminal)
      return fail(Error(Code::denied, "the files from other sources have not been confirmed")
                      .hint("`" + invocation.program + " up --yes` or `create --yes` confirms them as they are now"));
    if (!confirm(invocation.terminal, "Do you want to use them?", Answer::no))
      return fail(Code::denied, "operation cancelled by user");
  }
  for (const project::RemoteFile& file : files) TRY(project::RemoteFiles::approve(file));
  return {};
}

}  // namespace consort::cli
