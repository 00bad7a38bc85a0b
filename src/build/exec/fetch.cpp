#include "build/exec/fetch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "image/internal/http.hpp"

namespace consort::build {
namespace {

constexpr std::uint64_t max_download = std::uint64_t{64} << 30;

std::string file_name_of(const std::string& url) {
  const auto scheme = url.find("://");
  const auto path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path == std::string::npos) return "__unnamed__";
  const std::string name = base_name(url.substr(path, url.find_first_of("?#", path) - path));
  return name.empty() || name == "." || name == "/" || name == ".." ? "__unnamed__" : name;
}

bool canceled(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&wait, 1, 0) > 0;
}

Result<Captured> git(std::vector<std::string> arguments, const std::string& directory) {
  SpawnOptions options;
  options.argv = {"git", "-c", "protocol.file.allow=never", "-c", "core.askPass=true"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.directory = directory;
  auto done = run_and_capture(std::move(options));
  if (!done) {
    return fail(std::move(done).error().wrap("run git").hint("git is needed to read from a repository: install it"));
  }
  if (!done->status.success()) {
    return fail(Error(Code::io, "git " + arguments.front()).why(std::string(trim(done->err))));
  }
  return done;
}

bool is_commit(const std::string& text) {
  return text.size() == 40 && is_hex(text);
}

}  // namespace

Result<Fetched> fetch_url(const std::string& url, const std::string& checksum, const std::string& folder,
                          int cancel_fd) {
  TRY(make_directories(folder, 0700));
  Fetched fetched;
  fetched.name = file_name_of(url);
  fetched.path = folder + "/content";
  const Fd file = TRY(open_file(fetched.path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  image::HttpClient client;
  Sha256 digest;
  std::uint64_t total = 0;
  image::HttpRequest request;
  request.url = url;
  request.sink = [&](std::span<const std::byte> bytes) -> Result<> {
    if (canceled(cancel_fd)) return fail(Code::interrupted, "download", url);
    total += bytes.size();
    if (total > max_download) return fail(Error(Code::invalid, "download").on(url).why("larger than 64 GiB"));
    digest.update(bytes);
    return write_full(file.get(), bytes);
  };
  const auto response = TRY_WRAP(client.perform(request), "download", url);
  if (response.status < 200 || response.status > 299) {
    return fail(Error(Code::invalid).why("invalid response status " + std::to_string(response.status) + " for " + url));
  }
  fetched.identity = "sha256:" + digest.finish();
  if (!checksum.empty() && checksum != fetched.identity) {
    return fail(Error(Code::invalid).why("digest mismatch " + fetched.identity + ": " + checksum).on(url));
  }
  // The server's time would make the layer depend on it; BuildKit sets the epoch when there is none, too.
  const struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = 0}, {.tv_sec = 0, .tv_nsec = 0}};
  ::futimens(file.get(), times);
  return fetched;
}

GitSource parse_git_url(std::string_view text) {
  GitSource source;
  const auto hash = text.find('#');
  source.remote = text.substr(0, hash);
  if (hash == std::string_view::npos) return source;
  const std::string_view fragment = text.substr(hash + 1);
  const auto colon = fragment.find(':');
  source.reference = fragment.substr(0, colon);
  if (colon != std::string_view::npos) source.subfolder = fragment.substr(colon + 1);
  return source;
}

Result<Fetched> fetch_git(const GitSource& source, const std::string& checksum, GitFolder git_folder,
                          const std::string& folder) {
  if (source.remote.starts_with('-') || source.reference.starts_with('-'))
    return fail(Error(Code::invalid).why("invalid git URL: " + source.remote));
  TRY(make_directories(folder, 0700));
  const std::string repository = folder + "/repository";
  TRY(make_directories(repository));
  TRY(git({"init", "-q", repository}, folder));
  TRY(git({"remote", "add", "origin", source.remote}, repository));
  const std::string wanted = source.reference.empty() ? "HEAD" : source.reference;
  const auto shallow = git({"fetch", "-q", "--depth=1", "origin", wanted}, repository);
  if (!shallow && is_commit(wanted)) {  // servers need not give single commits
    TRY(git({"fetch", "-q", "origin"}, repository));
  } else if (!shallow) {
    return fail(Error(Code::io, "fetch").on(source.remote).why(shallow.error().message()));
  }
  TRY(git({"checkout", "-q", "--detach", shallow ? "FETCH_HEAD" : wanted}, repository));
  TRY(git({"submodule", "update", "-q", "--init", "--recursive", "--depth=1"}, repository));
  const Captured head = TRY(git({"rev-parse", "HEAD"}, repository));
  Fetched fetched;
  fetched.identity = trim(head.out);
  if (!checksum.empty() && !fetched.identity.starts_with(checksum)) {
    return fail(Error(Code::invalid)
                    .why("expected checksum to match " + checksum + ", got " + fetched.identity)
                    .on(source.remote));
  }
  if (git_folder == GitFolder::remove) TRY(remove_tree(repository + "/.git"));
  fetched.path = repository;
  if (!source.subfolder.empty()) {
    const Fd root = TRY(open_file(repository, O_RDONLY | O_DIRECTORY));
    const std::string below = clean_path("/" + source.subfolder).substr(1);
    if (!open_in_root(root.get(), below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
      return fail(Error(Code::not_found).why("subdir not found in repository: " + source.subfolder));
    fetched.path = repository + "/" + below;
  }
  return fetched;
}

}  // namespace consort::build
