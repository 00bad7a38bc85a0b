#include "cli/project_files.hpp"

#include "cli/render/diagnostic.hpp"
#include "compose/elsewhere.hpp"

namespace consort::cli {

namespace {

std::shared_ptr<project::RemoteFiles> remote_files(const Invocation& invocation) {
  project::RemoteFiles::Options options;
  auto cache = project::remote_cache();
  if (!cache) return nullptr;
  options.cache = std::move(*cache);
  options.registry.insecure = invocation.globals.list("insecure-registry");
  options.warn = [&terminal = invocation.terminal](const std::string& line) { print_warning(terminal, line); };
  return std::make_shared<project::RemoteFiles>(std::move(options));
}

void read_through(const std::shared_ptr<project::RemoteFiles>& remote, const Terminal& terminal,
                  compose::FileAccess& access) {
  access.resolve_links = [remote, &terminal, local = std::move(access.resolve_links)](const std::string& path) {
    if (!compose::is_elsewhere(path)) return local(path);
    auto fetched = remote->fetch(path);
    if (fetched) return std::move(*fetched);
    const std::string hint = fetched.error().hint_text();
    print_warning(terminal, fetched.error().message() + (hint.empty() ? "" : ": " + hint));
    return std::string();
  };
}

}  // namespace

std::shared_ptr<ProjectFiles> ProjectFiles::of(const Invocation& invocation) {
  auto files = std::make_shared<ProjectFiles>();
  files->remote = remote_files(invocation);
  files->access = compose::system_files();
  if (files->remote) read_through(files->remote, invocation.terminal, files->access);
  return files;
}

}  // namespace consort::cli
