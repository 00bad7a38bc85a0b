#include "project/remote/remote_files.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/roots.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "project/remote/artifact_files.hpp"
#include "project/remote/git_files.hpp"

namespace consort::project {

namespace {

constexpr std::string_view oci_scheme = "oci://";
constexpr std::size_t short_length = 12;

std::string repository_of(std::string_view remote) {
  std::string name = base_name(remote);
  if (name.ends_with(".git")) name.resize(name.size() - 4);
  return name.empty() || name[0] == '.' || name == "/" ? "project" : name;
}

// A new directory next to its final path. It is renamed once it is complete, and removed otherwise.
class Draft {
 public:
  static Result<Draft> make(const std::string& target) {
    Draft draft(target + ".draft-" + random_id().substr(0, short_length));
    TRY(make_directories(draft.path_, 0700));
    return draft;
  }
  Draft(Draft&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    if (!path_.empty()) (void)remove_tree(path_);
  }
  const std::string& path() const { return path_; }
  // Another process may have stored the same content first.
  Result<> become(const std::string& target) {
    auto renamed = rename_path(path_, target);
    if (renamed) path_.clear();
    if (!renamed && path_exists(target)) return {};
    return renamed;
  }

 private:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace

Result<std::string> remote_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && cache[0] == '/')
    return std::string(cache) + "/consort";
  if (const char* home = std::getenv("HOME"); home && home[0] == '/') return std::string(home) + "/.cache/consort";
  return TRY(Roots::from_environment()).data + "/cache";
}

Result<std::string> RemoteFiles::fetch(const std::string& source) {
  if (const auto found = files_.find(source); found != files_.end()) return found->second.path;
  const Found found = TRY_WRAP(look_up(source), "read", source);
  RemoteFile file{source, found.identity, found.directory, found.directory + "/" + found.path, false};
  file.approved = path_exists(file.directory + "/approved");
  return files_.emplace(source, std::move(file)).first->second.path;
}

Result<RemoteFiles::Found> RemoteFiles::look_up(const std::string& source) {
  auto found = source.starts_with(oci_scheme) ? from_registry(source) : from_git(source);
  if (found) {
    TRY(keep(source, *found));
    return found;
  }
  if (found.error().code() != Code::io) return found;
  auto last = kept(source);
  if (!last) return found;
  options_.warn(source + " cannot be reached now (" + found.error().message() + "): using its last known content, " +
                last->identity);
  return last;
}

Result<RemoteFiles::Found> RemoteFiles::from_registry(const std::string& source) {
  const auto reference = TRY(image::Reference::parse(source.substr(oci_scheme.size())));
  const std::string directory = options_.cache + "/oci/";
  const std::string path = repository_of(reference.repository) + "/compose.yaml";
  if (reference.digest && path_exists(directory + reference.digest->hex() + "/" + path))
    return Found{reference.digest->text(), directory + reference.digest->hex(), path};
  const auto fetched = TRY(image::fetch_documents(reference, options_.registry, is_project_artifact));
  if (!is_project_artifact(fetched.documents))
    return fail(Error(Code::invalid, reference.familiar() + " is not a compose project OCI artifact, but " +
                                         (fetched.documents.artifact_type.empty() ? fetched.documents.config_type
                                                                                  : fetched.documents.artifact_type)));
  Found found{fetched.manifest.text(), directory + fetched.manifest.hex(), path};
  if (path_exists(found.directory + "/" + path)) return found;
  Draft draft = TRY(Draft::make(found.directory));
  const std::string files = draft.path() + "/" + dir_name(path);
  TRY(make_directories(files, 0700));
  TRY(write_artifact_files(fetched.documents, files));
  TRY(draft.become(found.directory));
  return found;
}

Result<RemoteFiles::Found> RemoteFiles::from_git(const std::string& source) {
  const GitAddress place = TRY(parse_git_place(source));
  const std::string commit = TRY(git_commit(place, options_.cancel_fd));
  const std::string name = repository_of(place.remote);
  Found found{commit, options_.cache + "/git/" + commit + "-" + sha256_hex(place.remote).substr(0, short_length), {}};
  if (!path_exists(found.directory + "/" + name)) {
    Draft draft = TRY(Draft::make(found.directory));
    const std::string files = draft.path() + "/" + name;
    TRY(make_directories(files, 0700));
    TRY(git_checkout(place, commit, files, options_.cancel_fd));
    TRY(draft.become(found.directory));
  }
  found.path = name + "/" + TRY(find_compose_file(found.directory + "/" + name, place));
  return found;
}

// Three lines: the identity, the directory's name in the cache, and the path inside it.
Result<> RemoteFiles::keep(const std::string& source, const Found& found) const {
  const std::string directory = options_.cache + "/sources";
  TRY(make_directories(directory, 0700));
  return write_file_atomic(directory + "/" + sha256_hex(source),
                           found.identity + "\n" + found.directory.substr(options_.cache.size()) + "\n" + found.path,
                           0600);
}

Result<RemoteFiles::Found> RemoteFiles::kept(const std::string& source) const {
  const std::string text = TRY(read_file(options_.cache + "/sources/" + sha256_hex(source), 1 << 16));
  const std::vector<std::string> lines = split(text, '\n');
  if (lines.size() != 3) return fail(Code::not_found, "find", source);
  Found found{lines[0], options_.cache + lines[1], lines[2]};
  if (!path_exists(found.directory + "/" + found.path)) return fail(Code::not_found, "find", source);
  return found;
}

std::vector<RemoteFile> RemoteFiles::used() const {
  std::vector<RemoteFile> files;
  for (const auto& [source, file] : files_) files.push_back(file);
  return files;
}

Result<> RemoteFiles::approve(const RemoteFile& file) {
  return write_file_atomic(file.directory + "/approved", file.source + "\n", 0600, Durability::durable);
}

}  // namespace consort::project
