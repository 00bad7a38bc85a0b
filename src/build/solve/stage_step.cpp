#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/os/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/context/context_use.hpp"
#include "build/dockerfile/suggest.hpp"
#include "build/exec/archive.hpp"
#include "build/exec/destination.hpp"
#include "build/exec/fetch.hpp"
#include "build/exec/run_mounts.hpp"
#include "build/exec/run_step.hpp"
#include "build/plan/text.hpp"
#include "build/solve/stage_run.hpp"
#include "build/turns.hpp"
#include "runtime/user.hpp"

namespace consort::build {
namespace {

// One source of a COPY with what was found out about it while the key was made.
struct Prepared {
  CopySource source;
  SourceTree* tree = nullptr;       // paths
  std::vector<Selected> selection;  // paths; empty and not looked_up: the digest came from the cache
  bool looked_up = false;
  std::optional<Fetched> fetched;  // URLs and repositories
};

class StepRun {
 public:
  StepRun(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation, const FilesState& before)
      : shared_(shared),
        runs_(runs),
        node_(shared.graph.nodes[node]),
        operation_(operation),
        before_(before),
        folder_(shared.scratch + "/step-" + std::to_string(node) + "-" + std::to_string(operation.history)),
        progress_(nullptr) {}

  Result<StepResult> run() {
    auto result = attempt();
    (void)remove_tree(folder_);
    return result;
  }

 private:
  Result<StepResult> attempt() {
    // Nothing is announced before the sources are there: a waiting step has not begun.
    TRY(wait_for_sources());
    ProgressEvent event;
    event.text = operation_.title;
    event.stage = node_.title;
    event.number = operation_.number;
    event.total = operation_.total;
    auto progress = shared_.log.start(std::move(event),
                                      shared_.together ? ProgressLog::Announce::later : ProgressLog::Announce::now);
    progress_ = &progress;
    auto made = make();
    if (!made) {
      const bool interrupted = made.error().code() == Code::interrupted;
      progress.end(interrupted ? StepState::canceled : StepState::error, made.error().message());
      if (interrupted) return std::unexpected(std::move(made).error());
      report_failure(progress.tail());
      Error error = std::move(made).error();
      if (!error.mark()) error = std::move(error).at(mark_of(shared_.graph.file, operation_.range));
      return fail(std::move(error));
    }
    progress.end(from_cache_ ? StepState::cached : StepState::done);
    return made;
  }

  void report_failure(const std::string& tail) {
    StepFailure failure;
    failure.title = operation_.title;
    failure.output = tail;
    failure.file = shared_.graph.file;
    failure.text = shared_.dockerfile.text;
    failure.line = operation_.range.line;
    failure.end_line = operation_.range.end_line;
    failure.exit_code = exit_code_;
    const std::scoped_lock lock(shared_.provider_mutex);
    if (shared_.environment.failed) shared_.environment.failed(failure);
  }

  Result<> wait_for_sources() {
    if (const auto* copy = std::get_if<CopyOperation>(&operation_.action)) {
      if (copy->from) (void)TRY(runs_.wait_for(*copy->from));
    } else if (const auto* run = std::get_if<RunOperation>(&operation_.action)) {
      for (const auto& mount : run->mounts) {
        if (mount.from) (void)TRY(runs_.wait_for(*mount.from));
      }
    }
    return {};
  }

  Result<StepResult> make() {
    const std::string slot =
        sha256_hex(shared_.graph.file + '\0' + shared_.request.context + '\0' + node_.title + '\0' +
                   std::to_string(operation_.number) + '\0' + shared_.graph.platform.text());
    if (shared_.mode == Shared::Mode::look_only) earlier_ = TRY(shared_.cache.parts_of(slot));
    TRY(make_key());
    const std::string digest = key_.digest();
    if (!shared_.together) return after(digest, TRY(make(slot, digest)));
    return after(digest, TRY(shared_.together->once(digest, [&] {
                   progress_->announce();
                   return make(slot, digest);
                 })));
  }

  Result<CachedStep> make(const std::string& slot, const std::string& digest) {
    const bool ignore =
        shared_.request.cache == CacheUse::ignore ||
        std::ranges::find(shared_.request.no_cache_filter, node_.name) != shared_.request.no_cache_filter.end();
    if (!ignore) {
      if (auto cached = TRY(shared_.cache.find(digest))) {
        from_cache_ = true;
        note_explanation("nothing it can see has changed");
        TRY(know_parts(slot));
        return std::move(*cached);
      }
    }
    list_files();
    if (shared_.mode == Shared::Mode::look_only) return missed();
    // Whoever is at the same step, in this program or another, does it for all.
    const LockFile turn = TRY(wait_for_turn(digest));
    if (!ignore) {
      if (auto cached = TRY(shared_.cache.find(digest))) {
        from_cache_ = true;
        note_explanation("it was built at the same time");
        TRY(know_parts(slot));
        return std::move(*cached);
      }
      if (const auto hit = TRY(find_imported(digest))) {
        from_cache_ = true;
        note_explanation("it was imported from " + hit->from);
        TRY(keep(digest, slot, hit->step));
        return hit->step;
      }
    }
    const auto before = TRY(shared_.cache.parts_of(slot));
    note_explanation(ignore ? "the cache was not to be used" : explain(before, key_.parts()));
    CachedStep made = TRY(execute(digest));
    TRY(keep(digest, slot, made));
    return made;
  }

  void list_files() {
    for (const auto& prepared : prepared_) {
      if (prepared.tree && prepared.tree == shared_.context)
        key_.set_list(files_of(prepared.source), list_of(prepared.selection));
    }
  }

  // What was built of another folder's equal files has not been run here; what changes here later is told all the same.
  Result<> know_parts(const std::string& slot) {
    if (shared_.mode == Shared::Mode::look_only || shared_.environment.remote.context) return {};
    if (!TRY(shared_.cache.parts_of(slot)).empty()) return {};
    list_files();
    return shared_.cache.remember_parts(slot, key_);
  }

  Result<std::optional<CacheImports::Hit>> find_imported(const std::string& digest) {
    if (!shared_.imports) return std::nullopt;
    return shared_.imports->find(digest, *progress_);
  }

  Result<> keep(const std::string& digest, const std::string& slot, const CachedStep& made) {
    TRY(shared_.cache.remember(digest, operation_.title, made));
    if (shared_.environment.remote.context) return {};  // the next build's folder has another name
    return shared_.cache.remember_parts(slot, key_);
  }

  Result<LockFile> wait_for_turn(const std::string& digest) {
    while (true) {
      auto turn = TRY_WRAP(try_take_turn(shared_.environment.roots.run, digest), "lock build step");
      if (turn) return *std::move(turn);
      if (runs_.stopping()) return fail(Code::interrupted, "wait for build step");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // flock has no event to wait for
    }
  }

  // Only a change is worth telling: that a result is no longer there says nothing about the sources.
  Result<CachedStep> missed() {
    const std::scoped_lock lock(shared_.explain_mutex);
    const auto changes = changes_between(earlier_, key_.parts());
    if (!earlier_.empty() && !changes.empty() && !shared_.miss) shared_.miss = operation_.title + ": " + changes;
    return fail(Code::not_found, "find in build cache", operation_.title);
  }

  void note_explanation(std::string reason) {
    const std::scoped_lock lock(shared_.explain_mutex);
    shared_.result.explanations.push_back({operation_.title, from_cache_, std::move(reason)});
    ++shared_.result.steps_total;
    shared_.result.steps_cached += from_cache_;
  }

  StepResult after(const std::string& digest, const CachedStep& step) {
    {
      const std::scoped_lock lock(shared_.explain_mutex);
      shared_.made.push_back(
          {static_cast<std::size_t>(&node_ - shared_.graph.nodes.data()), operation_.number, digest, step});
    }
    StepResult result{before_, step.created};
    result.files.layers.ids.push_back(step.layer);
    result.files.layers.folders.push_back(step.folder);
    result.files.chain = sha256_hex(before_.chain + '\0' + step.output);
    return result;
  }

  Result<> make_key() {
    // --link too: its layer cannot know the modes of folders that lie below it otherwise.
    key_.add("base", before_.chain);
    describe(operation_, key_);
    if (const auto* copy = std::get_if<CopyOperation>(&operation_.action)) {
      for (const auto& source : copy->sources) TRY(prepare(*copy, source));
    } else if (const auto* run = std::get_if<RunOperation>(&operation_.action)) {
      for (const auto& planned : run->mounts) TRY(add_mount_key(planned));
      add_surroundings();
      // The same files may hold programs for several.
      if (platform().text() != image::Platform::host().text()) key_.add("platform", platform().text());
    }
    return {};
  }

  // What a program finds around it that the request and not the Dockerfile says.
  void add_surroundings() {
    const BuildRequest& request = shared_.request;
    if (const auto host = request.args.find("BUILDKIT_SANDBOX_HOSTNAME"); host != request.args.end())
      key_.add("host name", host->second);
    if (!request.extra_hosts.empty()) key_.add("extra hosts", join(request.extra_hosts, "\n"));
    if (request.shm_size_bytes) key_.add("size of /dev/shm", std::to_string(*request.shm_size_bytes));
    for (const auto& limit : request.ulimits)
      key_.add("ulimit " + limit.name, std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
  }

  Result<> add_mount_key(const PlannedMount& planned) {
    if (planned.mount.type == RunMount::Type::cache) {
      if (planned.from) key_.add("start of " + planned.mount.target, TRY(runs_.wait_for(*planned.from))->files.chain);
      return {};
    }
    if (planned.mount.type != RunMount::Type::bind) return {};
    CopyOperation everything;
    everything.from = planned.from;
    everything.wildcards = false;
    const CopySource source{CopySource::Kind::path, planned.mount.source, {}};
    return prepare(everything, source);
  }

  Result<> prepare(const CopyOperation& copy, const CopySource& source) {
    Prepared prepared;
    prepared.source = source;
    switch (source.kind) {
      case CopySource::Kind::inline_file:
        break;
      case CopySource::Kind::url:
      case CopySource::Kind::git:
        TRY(prepare_remote_source(copy, source, prepared));
        break;
      case CopySource::Kind::path:
        TRY(prepare_path_source(copy, source, prepared));
        break;
    }
    prepared_.push_back(std::move(prepared));
    return {};
  }

  Result<> prepare_remote_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
    const bool url = source.kind == CopySource::Kind::url;
    const std::string name = (url ? "content of " : "commit of ") + source.text;
    if (shared_.mode == Shared::Mode::look_only) {  // nobody else is asked: taken to be as it was
      const auto known = std::ranges::find(earlier_, name, &KeyPart::name);
      key_.add(name, known == earlier_.end() ? "" : known->digest);
      return {};
    }
    if (url) {
      prepared.fetched = TRY(fetch_url(source.text, copy.checksum, fetch_folder(), shared_.cancel_fd));
    } else {
      prepared.fetched =
          TRY(fetch_git(source.text, copy.checksum, copy.keep_git_dir ? GitFolder::keep : GitFolder::remove,
                        fetch_folder(), shared_.cancel_fd));
    }
    key_.add(name, sha256_hex(prepared.fetched->identity));
    return {};
  }

  std::string fetch_folder() { return folder_ + "/fetch-" + std::to_string(prepared_.size()); }

  // The same for "a", "./a" and "/a". What stands before "/./" says more.
  static std::string files_of(const CopySource& source) {
    if (source.text.contains("/./")) return "files of " + source.text;
    const std::string path = clean_path("/" + source.text).substr(1);
    return "files of " + (path.empty() ? "." : path);
  }

  Result<> prepare_path_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
    const std::string name = files_of(source);
    if (!copy.from) {
      if (!shared_.context)
        return fail(Error(Code::invalid).why("there is no build context to copy " + source.text + " from"));
      prepared.tree = shared_.context;
      TRY(look_up(copy, source, prepared));
      key_.add(name, digest_of(prepared.selection, Owners::ignored));
      return {};
    }
    const std::string& chain = TRY(runs_.wait_for(*copy.from))->files.chain;
    const std::string selector = source.text + '\0' + join(copy.exclude, "\n") + (copy.parents ? "\0p" : "");
    if (const auto known = TRY(shared_.cache.source_digest(chain, selector))) {
      key_.add(name, *known);
      return {};
    }
    prepared.tree = TRY(runs_.tree_of(*copy.from));
    TRY(look_up(copy, source, prepared));
    const std::string digest = digest_of(prepared.selection, Owners::counted);
    TRY(shared_.cache.remember_source(chain, selector, digest));
    key_.add(name, digest);
    return {};
  }

  Result<> look_up(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
    auto selection = select(*prepared.tree, copy, source.text);
    if (!selection) {
      if (selection.error().code() != Code::not_found) return std::unexpected(std::move(selection).error());
      return fail(Error(Code::invalid)
                      .why("failed to calculate checksum: " + selection.error().message())
                      .hint(hint_for_missing(source.text, copy)));
    }
    if (selection->empty() && !copy.from && !copy.parents) TRY(check_sent(shared_, source.text));
    prepared.selection = std::move(*selection);
    for (auto& selected : prepared.selection) TRY(prepared.tree->hash(selected.start, selected.entries));
    prepared.looked_up = true;
    return {};
  }

  std::string hint_for_missing(const std::string& source, const CopyOperation& copy) const {
    if (copy.from || !shared_.context) return {};
    const std::string path = clean_path("/" + source).substr(1);
    if (!path_exists(join_path(shared_.context->name(), path))) {
      const std::string& root = shared_.context->name();
      const auto near = neighbour_of(join_path(root, path));
      const std::string meant =
          near && near->starts_with(root + "/") ? "did you mean " + near->substr(root.size() + 1) + "?\n" : "";
      return meant + "paths are relative to the build context, " + root;
    }
    return "the file is there, but an ignore file leaves it out";
  }

  Result<CachedStep> execute(const std::string& digest) {
    TRY(make_directories(folder_, 0700));
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
    made.folder = layer.directory;
    // Copies give the same whenever their key is the same; what a program gives is new each time.
    made.output = random ? layer.id : sha256_hex("result:" + digest);
    made.created = system_now();
    return made;
  }

  Result<std::optional<OwnerIds>> owner_of(const CopyOperation& copy, int root) const {
    if (copy.chown.empty()) {
      if (copy.from) return std::optional<OwnerIds>{};
      return OwnerIds{};
    }
    return TRY(ids_of(root, copy.chown, "--chown"));
  }

  // Names that nobody knows are 0, as in BuildKit, which does not say so.
  Result<OwnerIds> ids_of(int root, const std::string& owner, const std::string& where) const {
    if (before_.layers.ids.empty() && runtime::names_an_owner(owner)) {
      return fail(Error(Code::invalid)
                      .why("invalid user index: -1")
                      .hint("there are no files yet that could say who " + owner + " is: use numbers"));
    }
    const auto ids = TRY(runtime::resolve_ownership(root, owner));
    if (!ids.unknown.empty()) {
      progress_->output("warning: " + where + ": unable to find " + ids.unknown + ": 0 is used\n", true);
    }
    return OwnerIds{ids.uid, ids.gid};
  }

  Result<> execute(const CopyOperation& copy, const image::LayerDraft& draft) {
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

  Result<> copy_path(const CopyOperation& copy, Prepared& prepared, int root, const CopySettings& settings) {
    if (!prepared.looked_up && copy.from) {
      prepared.tree = TRY(runs_.tree_of(*copy.from));
      TRY(look_up(copy, prepared.source, prepared));
    }
    for (const auto& selected : prepared.selection) {
      if (copy.unpack && !selected.is_folder() && S_ISREG(selected.entries.front().mode)) {
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

  Result<> unpack(int file, const CopyOperation& copy, int root, const CopySettings& settings) {
    const auto tar = TRY(open_archive(file));
    image::UnpackOptions options;
    options.whiteouts = image::UnpackOptions::Whiteouts::plain;
    const OwnerIds owner = copy.chown.empty() ? OwnerIds{} : settings.owner.value_or(OwnerIds{});
    if (!copy.chown.empty()) options.owner = {owner.uid, owner.gid};
    const NewFolder made{.owner = owner};
    const std::string path = TRY(prepare_path(root, copy.destination, MakeFolders::all, made));
    const Fd folder = TRY(open_in_root(root, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    struct stat before {};
    if (::fstat(folder.get(), &before) != 0) return fail_errno("look at", "/" + path);
    TRY(image::unpack_layer(tar, "/proc/self/fd/" + std::to_string(folder.get()), options));
    // The archive's "." says nothing about the folder it is unpacked into.
    if (::fchown(folder.get(), before.st_uid, before.st_gid) != 0 ||
        ::fchmod(folder.get(), before.st_mode & 07777) != 0 || ::futimens(folder.get(), nullptr) != 0)
      return fail_errno("restore owner", "/" + path);
    return {};
  }

  Result<> copy_fetched(const CopyOperation& copy, const Fetched& fetched, int root, const CopySettings& settings) {
    const auto info = TRY(stat_path(fetched.path));
    if (S_ISREG(info.st_mode) && copy.unpack_urls) {
      const Fd file = TRY(open_file(fetched.path, O_RDONLY));
      if (TRY(is_archive(file.get()))) return unpack(file.get(), copy, root, settings);
    }
    const bool folder = S_ISDIR(info.st_mode);
    const SourceTree tree = TRY(SourceTree::open(folder ? fetched.path : dir_name(fetched.path), {}, {}));
    for (auto& selected : TRY(select(tree, CopyOperation{}, folder ? "/" : base_name(fetched.path)))) {
      if (!folder) selected.name = fetched.name;
      CopySettings own = settings;
      if (!own.owner) own.owner = OwnerIds{};
      TRY(copy_into(tree, selected, root, copy.destination, own));
    }
    return {};
  }

  Result<> execute(const MakeDirectoryOperation& make, const image::LayerDraft& draft) {
    const Fd root = TRY(open_merged(before_.layers, draft));
    OwnerIds owner;
    if (!make.user.empty()) {
      owner = TRY(ids_of(root.get(), make.user, "USER"));
    }
    TRY(prepare_path(root.get(), make.path, MakeFolders::all, {.owner = owner}));
    return {};
  }

  Result<> check_entitlements(const RunOperation& run) const {
    const auto granted = [&](const char* name) {
      const auto& list = shared_.request.entitlements;
      return std::ranges::find(list, name) != list.end();
    };
    if (run.insecure && !granted("security.insecure"))
      return fail(Error(Code::denied)
                      .why("granting entitlement security.insecure is not allowed by build daemon configuration"));
    if (run.network == "host" && shared_.request.network != "host" && !granted("network.host"))
      return fail(
          Error(Code::denied).why("granting entitlement network.host is not allowed by build daemon configuration"));
    return {};
  }

  const image::Platform& platform() const { return node_.platform ? *node_.platform : shared_.graph.platform; }

  // Programs of another machine need an interpreter that the kernel knows.
  static Result<> check_runs_here(const image::Platform& platform) {
    const image::Platform host = image::Platform::host();
    const auto& other = platform.architecture;
    const bool native = other == host.architecture || (host.architecture == "amd64" && other == "386") ||
                        (host.architecture == "arm64" && other == "arm");
    if (native) return {};
    for (const auto& [architecture, name] :
         {std::pair{"amd64", "x86_64"}, std::pair{"386", "i386"}, std::pair{"arm64", "aarch64"},
          std::pair{"arm", "arm"}, std::pair{"riscv64", "riscv64"}, std::pair{"ppc64le", "ppc64le"},
          std::pair{"s390x", "s390x"}, std::pair{"mips64le", "mips64el"}, std::pair{"loong64", "loongarch64"}}) {
      if (other == architecture && path_exists(std::string("/proc/sys/fs/binfmt_misc/qemu-") + name)) return {};
    }
    return fail(Error(Code::unsupported)
                    .why("cannot run programs for " + platform.text() + " on " + host.text())
                    .hint("install an emulator that binfmt_misc knows (Debian: qemu-user-static), or build for " +
                          host.text()));
  }

  Result<> execute(const RunOperation& run, const image::LayerDraft& draft) {
    TRY(check_entitlements(run));
    TRY(check_runs_here(platform()));
    const RunMounts mounts = TRY(RunMounts::prepare(shared_, runs_, run, folder_));
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
                 .bundle = folder_,
                 .mounts = mounts.mounts,
                 .extra_environment = mounts.environment,
                 .request = shared_.request,
                 .network = std::move(network),
                 .cancel_fd = shared_.cancel_fd,
                 .output = [this](OutputStream stream, std::string_view text) {
                   progress_->output(text, stream == OutputStream::err);
                 }};
    runs_.slots().acquire();
    auto failed =
        runs_.stopping() ? Result<std::optional<RunFailure>>(fail(Code::interrupted, "build")) : run_step(step);
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
    if (failure->oom_killed) why += ": it was killed because memory ran out";
    return fail(Error(Code::invalid).why(std::move(why)));
  }

  Shared& shared_;
  StageRuns& runs_;
  const Node& node_;
  const Operation& operation_;
  const FilesState& before_;
  std::string folder_;
  ProgressLog::Step* progress_;
  StepKey key_;
  std::vector<KeyPart> earlier_;  // look_only: what the key was made of last time
  std::vector<Prepared> prepared_;
  bool from_cache_ = false;
  int exit_code_ = 0;
};

}  // namespace

Result<StepResult> do_step(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation,
                           const FilesState& before) {
  return StepRun(shared, runs, node, operation, before).run();
}

}  // namespace consort::build
