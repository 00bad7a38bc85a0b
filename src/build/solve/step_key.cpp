// What a step's result depends on, including the sources of a COPY.
#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/suggest.hpp"
#include "build/solve/step_run.hpp"

namespace consort::build {

Result<> StepRun::make_key() {
  // Also with --link: otherwise its layer could not use the modes of directories in the layers below.
  key_.add("base", before_.chain);
  describe(operation_, key_);
  if (const auto* copy = std::get_if<CopyOperation>(&operation_.action)) {
    for (const auto& source : copy->sources) TRY(prepare(*copy, source));
  } else if (const auto* run = std::get_if<RunOperation>(&operation_.action)) {
    for (const auto& planned : run->mounts) TRY(add_mount_key(planned));
    add_surroundings();
    // The same files may contain programs for several platforms.
    if (platform().text() != image::Platform::host().text()) key_.add("platform", platform().text());
  }
  return {};
}

void StepRun::add_surroundings() {
  const BuildRequest& request = shared_.request;
  if (const auto host = request.args.find("BUILDKIT_SANDBOX_HOSTNAME"); host != request.args.end())
    key_.add("host name", host->second);
  if (!request.extra_hosts.empty()) key_.add("extra hosts", join(request.extra_hosts, "\n"));
  if (request.shm_size_bytes) key_.add("size of /dev/shm", std::to_string(*request.shm_size_bytes));
  for (const auto& limit : request.ulimits)
    key_.add("ulimit " + limit.name, std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
}

Result<> StepRun::add_mount_key(const PlannedMount& planned) {
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

Result<> StepRun::prepare(const CopyOperation& copy, const CopySource& source) {
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

Result<> StepRun::prepare_remote_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
  const bool url = source.kind == CopySource::Kind::url;
  const std::string name = (url ? "content of " : "commit of ") + source.text;
  if (shared_.mode == Shared::Mode::look_only) {  // no network access: assume that it is unchanged
    const auto known = std::ranges::find(earlier_, name, &KeyPart::name);
    key_.add(name, known == earlier_.end() ? "" : known->digest);
    return {};
  }
  if (url) {
    prepared.fetched = TRY(fetch_url(source.text, copy.checksum, fetch_directory(), shared_.cancel_fd));
  } else {
    prepared.fetched =
        TRY(fetch_git(source.text, copy.checksum, copy.keep_git_dir ? GitDirectory::keep : GitDirectory::remove,
                      fetch_directory(), shared_.cancel_fd));
  }
  key_.add(name, sha256_hex(prepared.fetched->identity));
  return {};
}

std::string StepRun::files_of(const CopySource& source) {
  if (source.text.contains("/./")) return "files of " + source.text;
  const std::string path = clean_path("/" + source.text).substr(1);
  return "files of " + (path.empty() ? "." : path);
}

Result<> StepRun::prepare_path_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
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

Result<> StepRun::look_up(const CopyOperation& copy, const CopySource& source, Prepared& prepared) {
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

std::string StepRun::hint_for_missing(const std::string& source, const CopyOperation& copy) const {
  if (copy.from || !shared_.context) return {};
  const std::string path = clean_path("/" + source).substr(1);
  if (!path_exists(join_path(shared_.context->name(), path))) {
    const std::string& root = shared_.context->name();
    const auto near = neighbour_of(join_path(root, path));
    const auto inside = near ? path_below(*near, root) : std::nullopt;
    const std::string meant = inside ? "did you mean " + *inside + "?\n" : "";
    return meant + "paths are relative to the build context, " + root;
  }
  const std::string real = real_path_so_far(join_path(shared_.context->name(), path));
  if (!lies_in(real, real_path_so_far(shared_.context->name())))
    return "it is reached through a symlink to " + real + ", which is outside the build context";
  return "the file exists, but an ignore file excludes it";
}

}  // namespace consort::build
