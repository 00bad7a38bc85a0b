// cp. On our side, tar(1) packs and unpacks the archives: every machine has it, and it does not write outside the
// target directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/copy_files.hpp"
#include "cli/commands/project/selection.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

// Parses "service:path". A path that begins with / or . is on the host, even if it contains a colon.
CopyPlace parse_place(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || text[0] == '/' || text[0] == '.') return {"", text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// A tar --transform expression that renames the first component, whatever characters the names contain.
std::string rename_rule(const std::string& from, const std::string& to) {
  const auto escaped = [](const std::string& text, std::string_view special) {
    std::string result;
    for (const char c : text) {
      if (special.contains(c)) result += '\\';
      result += c;
    }
    return result;
  };
  return "--transform=flags=r;s|^" + escaped(from, "\\.[]*^$|") + "|" + escaped(to, "\\&|") + "|";
}

bool is_directory(const std::string& path) {
  const auto status = stat_path(path);
  return status && S_ISDIR(status->st_mode);
}

Result<> finish_tar(ChildGuard& tar) {
  const ExitStatus status = TRY(tar.wait());
  return status.success() ? Result<>() : Result<>(fail(Code::io, "tar failed"));
}

Result<> copy_to(ContainerFiles& files, const std::string& from, const std::string& to, const ParsedFlags& flags) {
  if (from == "-") return files.copy_in(to, STDIN_FILENO);
  const bool contents = from.ends_with("/.") || from == ".";
  if (!path_exists(from)) return fail(Code::not_found, "lstat " + from + ": no such file or directory");
  const engine::PathKind there = TRY(files.kind_of_path(to, engine::Links::follow));
  SpawnOptions tar{.argv = {"tar", "--create", "--file=-"}};
  if (!flags.on("archive")) tar.argv.insert(tar.argv.end(), {"--owner=0", "--group=0", "--numeric-owner"});
  if (flags.on("follow-link")) tar.argv.emplace_back("--dereference");
  std::string into = to;
  if (contents || (is_directory(from) && there == engine::PathKind::missing)) {
    if (there == engine::PathKind::missing) {  // a new directory, named by the last part of the target
      into = dir_name(clean_path(to));
      tar.argv.push_back(rename_rule(".", base_name(clean_path(to))));
    }
    tar.argv.insert(tar.argv.end(), {"--directory=" + from, "."});
  } else {
    const std::string name = base_name(clean_path(from));
    if (there != engine::PathKind::directory) {
      if (to.ends_with('/')) return fail(Code::not_found, "no such directory", to);
      into = dir_name(clean_path(to));
      tar.argv.push_back(rename_rule(name, base_name(clean_path(to))));
    }
    tar.argv.insert(tar.argv.end(), {"--directory=" + dir_name(clean_path(from)), "--", name});
  }
  Pipe pipe = TRY(make_pipe());
  tar.out = pipe.write.get();
  ChildGuard child = TRY(spawn(tar));
  pipe.write.reset();
  TRY(files.copy_in(into, pipe.read.get()));
  return finish_tar(child);
}

Result<> copy_from(ContainerFiles& files, const std::string& from, const std::string& to, const ParsedFlags& flags) {
  const bool follow = flags.on("follow-link") || from.ends_with('/') || from.ends_with("/.");
  const engine::Links links = follow ? engine::Links::follow : engine::Links::keep;
  if (to == "-") return files.copy_out(from, STDOUT_FILENO, links);
  const std::string clean = clean_path(from);
  SpawnOptions tar{.argv = {"tar", "--extract", "--file=-"}};
  tar.argv.emplace_back(flags.on("archive") ? "--same-owner" : "--no-same-owner");
  std::string into = to;
  if (clean == "/") {
    TRY(make_directories(to));
  } else if (!is_directory(to)) {
    if (to.ends_with('/')) return fail(Code::not_found, "no such directory", to);
    into = dir_name(clean_path(to));
    if (!is_directory(into))
      return fail(Code::not_found, "invalid output path: directory \"" + into + "\" does not exist");
    tar.argv.push_back(rename_rule(base_name(clean), base_name(clean_path(to))));
  } else if (from.ends_with("/.")) {
    tar.argv.emplace_back("--strip-components=1");
  }
  tar.argv.push_back("--directory=" + into);
  if (const std::string name = files.name_of_copy(from); !name.empty())
    tar.argv.insert(tar.argv.end(), {"--no-unquote", "--", name});
  if (TRY(files.kind_of_path(from, links)) == engine::PathKind::missing)
    return fail(Code::not_found, "Could not find the file " + from + " in container " + files.id());
  Pipe pipe = TRY(make_pipe());
  tar.in = pipe.read.get();
  ChildGuard child = TRY(spawn(tar));
  pipe.read.reset();
  Result<> outcome = files.copy_out(from, pipe.write.get(), links);
  pipe.write.reset();
  Result<> unpacked = finish_tar(child);
  return outcome ? std::move(unpacked) : std::move(outcome);
}

void tell(project::Progress& progress, const std::string& container, const std::string& what, const char* word,
          project::Outlook outlook) {
  progress.event({.id = container, .parent = "", .text = what, .status = word, .outlook = outlook});
}

// A container's files, for a container on this machine.
class LocalFiles : public ContainerFiles {
 public:
  LocalFiles(engine::Engine& engine, const engine::Container& container) : engine_(engine), container_(container) {}
  std::string id() const override { return container_.id; }
  std::string name() const override { return container_.name; }
  Result<engine::PathKind> kind_of_path(const std::string& path, engine::Links links) override {
    return engine_.kind_of_path(container_.id, path, links);
  }
  Result<> copy_out(const std::string& path, int out, engine::Links links) override {
    return engine_.copy_out(container_.id, path, out, links);
  }
  Result<> copy_in(const std::string& path, int in) override { return engine_.copy_in(container_.id, path, in); }

 private:
  engine::Engine& engine_;
  const engine::Container& container_;
};

Result<> copy_one(project::Progress& progress, ContainerFiles& files, const CopyWish& wish, const ParsedFlags& flags) {
  const std::string &from = wish.from.path, &to = wish.to.path;
  const std::string what =
      "copy " + (wish.out() ? files.name() + ":" : "") + from + " to " + (wish.out() ? "" : files.name() + ":") + to;
  tell(progress, files.name(), what, "Copying", project::Outlook::working);
  TRY(wish.out() ? copy_from(files, from, to, flags) : copy_to(files, from, to, flags));
  tell(progress, files.name(), what, "Copied", project::Outlook::done);
  return {};
}

}  // namespace

Result<CopyWish> copy_wish(const std::vector<std::string>& arguments) {
  CopyWish wish{parse_place(arguments[0]), parse_place(arguments[1])};
  if (!wish.from.service.empty() && !wish.to.service.empty())
    return fail(Code::unsupported, "copying between services is not supported");
  if (wish.from.service.empty() && wish.to.service.empty()) return fail(Code::invalid, "unknown copy direction");
  return wish;
}

Result<> copy_files(project::Progress& progress, std::span<const std::unique_ptr<ContainerFiles>> containers,
                    const CopyWish& wish, const ParsedFlags& flags) {
  progress.begin("Copying");
  Result<> outcome;
  for (const auto& container : containers) {
    outcome = copy_one(progress, *container, wish, flags);
    if (!outcome) break;
  }
  progress.finish();
  return outcome;
}

Result<int> run_cp(Invocation& invocation) {
  if (invocation.flags.on("quiet")) invocation.progress = ProgressMode::quiet;
  const CopyWish wish = TRY(copy_wish(invocation.arguments));
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const auto index = index_of(invocation);
  std::vector<engine::Container> containers{
      TRY(project::one_container(session, wish.service(), index, project::Running::any))};
  if (!wish.out() && !index)
    containers = TRY(project::select_containers(
        session, {wish.service()},
        invocation.flags.on("all") ? project::Oneoffs::include : project::Oneoffs::leave_out));
  if (invocation.dry_run) return 0;
  std::vector<std::unique_ptr<ContainerFiles>> all;
  for (const engine::Container& container : containers)
    all.push_back(std::make_unique<LocalFiles>(session.engine, container));
  TRY(copy_files(session.progress, all, wish, invocation.flags));
  return 0;
}

}  // namespace consort::cli
