#include "cli/remote_consent.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "cli/render/confirm.hpp"
#include "compose/elsewhere.hpp"

namespace consort::cli {

namespace {

// What somebody who reads a foreign file looks for first: what it runs, and what of this machine it may touch.
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
  std::string text = "These files come from elsewhere:\n";
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

std::shared_ptr<project::RemoteFiles> remote_files(const Invocation& invocation) {
  project::RemoteFiles::Options options;
  auto cache = project::remote_cache();
  if (!cache) return nullptr;
  options.cache = std::move(*cache);
  options.registry.insecure = invocation.globals.list("insecure-registry");
  options.warn = [terminal = invocation.terminal](const std::string& line) { print_warning(terminal, line); };
  return std::make_shared<project::RemoteFiles>(std::move(options));
}

void read_through(const std::shared_ptr<project::RemoteFiles>& remote, const Invocation& invocation,
                  compose::FileAccess& access) {
  if (!remote) return;
  access.resolve_links = [remote, terminal = invocation.terminal,
                          local = std::move(access.resolve_links)](const std::string& path) {
    if (!compose::is_elsewhere(path)) return local(path);
    auto fetched = remote->fetch(path);
    if (fetched) return std::move(*fetched);
    const std::string hint = fetched.error().hint_text();
    print_warning(terminal, fetched.error().message() + (hint.empty() ? "" : ": " + hint));
    return std::string();
  };
}

Result<> agree_to_remote_files(const Invocation& invocation, const project::RemoteFiles& remote,
                               const compose::Project& project) {
  if (invocation.dry_run) return {};
  std::vector<project::RemoteFile> files = remote.used();
  std::erase_if(files, [](const project::RemoteFile& file) { return file.approved; });
  if (files.empty()) return {};
  if (!invocation.flags.on("yes")) {
    print_out(contents(files, project));
    if (!invocation.terminal.in_is_terminal)
      return fail(Error(Code::denied, "nobody has agreed to the files from elsewhere")
                      .hint("`" + invocation.program + " up --yes` or `create --yes` agrees to them as they are now"));
    if (!confirm(invocation.terminal, "Do you want to use them?", Answer::no))
      return fail(Code::interrupted, "use files from elsewhere");
  }
  for (const project::RemoteFile& file : files) TRY(project::RemoteFiles::approve(file));
  return {};
}

}  // namespace consort::cli
