// Executes a step that is in no cache.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/exec/run_mounts.hpp"
#include "build/exec/run_step.hpp"
#include "build/plan/text.hpp"
#include "build/solve/step_run.hpp"
#include "runtime/user.hpp"

namespace consort::build {

Result<CachedStep> StepRun::execute(const std::string& digest) {
  TRY(make_directories(directory_, 0700));
  image::LayerDraft draft = TRY(shared_.environment.store.new_layer());
  bool random = false;
  if (const auto* copy = std::get_if<CopyOperation>(&operation_.action)) {
    TRY(execute(*copy, draft));
  } else if (const auto* run = std::get_if<RunOperation>(&operation_.action)) {
    TRY(execute(*run, draft));
    random = true;
  } else {
    TRY(execute(std::get<MakeDirectoryOperation>(operation_.action), draft));
  }
  const image::LayerInfo layer = TRY(shared_.environment.store.commit_layer(std::move(draft)));
  CachedStep made;
  made.layer = layer.id;
  made.directory = layer.directory;
  // Copies have the same result if their key is the same; a program's result is new each time.
  made.output = random ? layer.id : sha256_hex("result:" + digest);
  made.created = system_now();
  return made;
}

Result<std::optional<OwnerIds>> StepRun::owner_of(const CopyOperation& copy, int root) const {
  if (copy.chown.empty()) {
    if (copy.from) return std::optional<OwnerIds>{};
    return OwnerIds{};
  }
  return TRY(ids_of(root, copy.chown, "--chown"));
}

Result<OwnerIds> StepRun::ids_of(int root, const std::string& owner, const std::string& where) const {
  if (before_.layers.ids.empty() && runtime::names_an_owner(owner)) {
    return fail(Error(Code::invalid)
                    .why("invalid user index: -1")
                    .hint("there are no files yet to look up " + owner + "; use numbers"));
  }
  const auto ids = TRY(runtime::resolve_ownership(root, owner));
  if (!ids.unknown.empty()) {
    progress_->output("warning: " + where + ": unable to find " + ids.unknown + ": using 0\n", true);
  }
  return OwnerIds{ids.uid, ids.gid};
}

Result<> StepRun::execute(const CopyOperation& copy, const image::LayerDraft& draft) {
  const Fd root = TRY(open_merged(before_.layers, draft));
  CopySettings settings;
  settings.owner = TRY(owner_of(copy, root.get()));
  if (!copy.chmod.empty()) settings.mode = TRY(ModeChange::parse(copy.chmod));
  settings.canceled = [this] { return runs_.stopping(); };
  if (!copy.from) settings.origin = CopySettings::Origin::context;
  for (auto& prepared : prepared_) {
    switch (prepared.source.kind) {
      case CopySource::Kind::inline_file:
        TRY(write_into(prepared.source.text, prepared.source.content, root.get(), copy.destination, settings));
        break;
      case CopySource::Kind::path:
        TRY(copy_path(copy, prepared, root.get(), settings));
        break;
      case CopySource::Kind::url:
      case CopySource::Kind::git:
        if (prepared.fetched) TRY(copy_fetched(copy, *prepared.fetched, root.get(), settings));
        break;
    }
  }
  return {};
}

Result<> StepRun::copy_path(const CopyOperation& copy, Prepared& prepared, int root, const CopySettings& settings) {
  if (!prepared.looked_up && copy.from) {
    prepared.tree = TRY(runs_.tree_of(*copy.from));
    TRY(look_up(copy, prepared.source, prepared));
  }
  for (const auto& selected : prepared.selection) {
    if (copy.unpack && !selected.is_directory() && S_ISREG(selected.entries.front().mode)) {
      const Fd file = TRY(open_in_root(prepared.tree->root(), selected.start, O_RDONLY | O_NOFOLLOW));
      if (TRY(is_archive(file.get()))) {
        TRY(unpack(file.get(), copy, root, settings));
        continue;
      }
    }
    TRY(copy_into(*prepared.tree, selected, root, copy.destination, settings));
  }
  return {};
}

Result<> StepRun::unpack(int file, const CopyOperation& copy, int root, const CopySettings& settings) {
  const auto tar = TRY(open_archive(file));
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  const OwnerIds owner = copy.chown.empty() ? OwnerIds{} : settings.owner.value_or(OwnerIds{});
  if (!copy.chown.empty()) options.owner = {owner.uid, owner.gid};
  const NewDirectory made{.owner = owner};
  const std::string path = TRY(prepare_path(root, copy.destination, MakeDirectories::all, made));
  const Fd directory = TRY(open_in_root(root, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  struct stat before {};
  if (::fstat(directory.get(), &before) != 0) return fail_errno("look at", "/" + path);
  TRY(image::unpack_layer(tar, "/proc/self/fd/" + std::to_string(directory.get()), options));
  // The archive's "." does not affect the directory it is unpacked into.
  if (::fchown(directory.get(), before.st_uid, before.st_gid) != 0 ||
      ::fchmod(directory.get(), before.st_mode & 07777) != 0 || ::futimens(directory.get(), nullptr) != 0)
    return fail_errno("restore owner", "/" + path);
  return {};
}

Result<> StepRun::copy_fetched(const CopyOperation& copy, const Fetched& fetched, int root,
                               const CopySettings& settings) {
  const auto info = TRY(stat_path(fetched.path));
  if (S_ISREG(info.st_mode) && copy.unpack_urls) {
    const Fd file = TRY(open_file(fetched.path, O_RDONLY));
    if (TRY(is_archive(file.get()))) return unpack(file.get(), copy, root, settings);
  }
  const bool directory = S_ISDIR(info.st_mode);
  const SourceTree tree = TRY(SourceTree::open(directory ? fetched.path : dir_name(fetched.path), {}, {}));
  for (auto& selected : TRY(select(tree, CopyOperation{}, directory ? "/" : base_name(fetched.path)))) {
    if (!directory) selected.name = fetched.name;
    CopySettings own = settings;
    if (!own.owner) own.owner = OwnerIds{};
    TRY(copy_into(tree, selected, root, copy.destination, own));
  }
  return {};
}

Result<> StepRun::execute(const MakeDirectoryOperation& make, const image::LayerDraft& draft) {
  const Fd root = TRY(open_merged(before_.layers, draft));
  OwnerIds owner;
  if (!make.user.empty()) {
    owner = TRY(ids_of(root.get(), make.user, "USER"));
  }
  TRY(prepare_path(root.get(), make.path, MakeDirectories::all, {.owner = owner}));
  return {};
}

Result<> StepRun::check_entitlements(const RunOperation& run) const {
  const auto granted = [&](const char* name) {
    const auto& list = shared_.request.entitlements;
    return std::ranges::find(list, name) != list.end();
  };
  if (run.insecure && !granted("security.insecure"))
    return fail(
        Error(Code::denied).why("granting entitlement security.insecure is not allowed by build daemon configuration"));
  if (run.network == "host" && shared_.request.network != "host" && !granted("network.host"))
    return fail(
        Error(Code::denied).why("granting entitlement network.host is not allowed by build daemon configuration"));
  return {};
}

Result<> StepRun::check_runs_here(const image::Platform& platform) {
  const image::Platform host = image::Platform::host();
  const auto& other = platform.architecture;
  const bool native = other == host.architecture || (host.architecture == "amd64" && other == "386") ||
                      (host.architecture == "arm64" && other == "arm");
  if (native) return {};
  for (const auto& [architecture, name] :
       {std::pair{"amd64", "x86_64"}, std::pair{"386", "i386"}, std::pair{"arm64", "aarch64"}, std::pair{"arm", "arm"},
        std::pair{"riscv64", "riscv64"}, std::pair{"ppc64le", "ppc64le"}, std::pair{"s390x", "s390x"},
        std::pair{"mips64le", "mips64el"}, std::pair{"loong64", "loongarch64"}}) {
    if (other == architecture && path_exists(std::string("/proc/sys/fs/binfmt_misc/qemu-") + name)) return {};
  }
  return fail(Error(Code::unsupported)
                  .why("cannot run programs for " + platform.text() + " on " + host.text())
                  .hint("install an emulator for binfmt_misc (Debian: qemu-user-static), or build for " + host.text()));
}

Result<> StepRun::execute(const RunOperation& run, const image::LayerDraft& draft) {
  TRY(check_entitlements(run));
  TRY(check_runs_here(platform()));
  const RunMounts mounts = TRY(RunMounts::prepare(shared_, runs_, run, directory_));
  BuildEnvironment::Network network;
  if (run.network != "host" && run.network != "none" && shared_.environment.network) {
    const std::scoped_lock lock(shared_.provider_mutex);
    network = TRY_WRAP(shared_.environment.network(), "connect build step to the network");
  }
  const auto release = std::move(network.release);
  RunStep step{.operation = run,
               .layers = before_.layers,
               .draft = draft,
               .id = "build-" + random_id().substr(0, 16),
               .bundle = directory_,
               .mounts = mounts.mounts,
               .extra_environment = mounts.environment,
               .request = shared_.request,
               .network = std::move(network),
               .limits = shared_.environment.limits.get(),
               .cancel_fd = shared_.cancel_fd,
               .output = [this](OutputStream stream, std::string_view text) {
                 progress_->output(text, stream == OutputStream::err);
               }};
  runs_.slots().acquire();
  auto failed = runs_.stopping() ? Result<std::optional<RunFailure>>(fail(Code::interrupted, "build")) : run_step(step);
  runs_.slots().release();
  if (release) {
    const std::scoped_lock lock(shared_.provider_mutex);
    release();
  }
  const auto failure = TRY(std::move(failed));
  if (!failure) return {};
  exit_code_ = failure->exit_code;
  std::string why = "process " + go_quote(join(run.argv, " ")) + " did not complete successfully: ";
  why += failure->why.empty() ? "exit code: " + std::to_string(failure->exit_code) : failure->why;
  if (failure->oom_killed) why += ": it was killed because it ran out of memory";
  return fail(Error(Code::invalid).why(std::move(why)));
}

}  // namespace consort::build
