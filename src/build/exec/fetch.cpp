#include "build/exec/fetch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "image/http.hpp"

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

// Runs git in a repository and gives its output; once canceled it is killed.
class Git {
 public:
  Git(std::string directory, std::string folder, int cancel_fd)
      : directory_(std::move(directory)), output_(folder + "/git-output"), cancel_fd_(cancel_fd) {}

  Result<std::string> run(const std::vector<std::string>& arguments) const {
    const Fd output = TRY(open_file(output_, O_RDWR | O_CREAT | O_TRUNC, 0600));
    SpawnOptions options;
    options.argv = {"git", "-c", "protocol.file.allow=never", "-c", "core.askPass=true"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.directory = directory_;
    options.out = options.err = output.get();
    auto child = spawn(options);
    if (!child)
      return fail(std::move(child).error().wrap("run git").hint("git is needed to read from a repository: install it"));
    const Fd ended = TRY(open_pidfd(child->pid()));
    pollfd waits[2] = {{ended.get(), POLLIN, 0}, {cancel_fd_, POLLIN, 0}};
    while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
    }
    if (waits[0].revents == 0) return fail(Code::interrupted, "run git");  // the guard kills it
    const ExitStatus status = TRY(child->wait());
    std::string said(trim(TRY(read_file(output_, 1 << 20))));
    if (!status.success()) return fail(Error(Code::io, "git " + arguments.front()).why(std::move(said)));
    return said;
  }

 private:
  std::string directory_, output_;
  int cancel_fd_;
};

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

bool is_git_url(std::string_view text) {
  for (const std::string_view start : {"git@", "git://", "ssh://", "github.com/"})
    if (text.starts_with(start)) return true;
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  return text.substr(0, text.find('#')).ends_with(".git");
}

bool is_http_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && !is_git_url(text);
}

GitSource parse_git_url(std::string_view text) {
  GitSource source;
  const auto hash = text.find('#');
  source.remote = text.substr(0, hash);
  if (source.remote.starts_with("github.com/")) source.remote.insert(0, "https://");
  if (hash == std::string_view::npos) return source;
  const std::string_view fragment = text.substr(hash + 1);
  const auto colon = fragment.find(':');
  source.reference = fragment.substr(0, colon);
  if (colon != std::string_view::npos) source.subfolder = fragment.substr(colon + 1);
  return source;
}

Result<Fetched> fetch_git(const GitSource& source, const std::string& checksum, GitFolder git_folder,
                          const std::string& folder, int cancel_fd) {
  if (source.remote.starts_with('-') || source.reference.starts_with('-'))
    return fail(Error(Code::invalid).why("invalid git URL: " + source.remote));
  TRY(make_directories(folder, 0700));
  const std::string repository = folder + "/repository";
  TRY(make_directories(repository));
  const Git git(repository, folder, cancel_fd);
  TRY(git.run({"init", "-q"}));
  TRY(git.run({"remote", "add", "origin", source.remote}));
  const std::string wanted = source.reference.empty() ? "HEAD" : source.reference;
  const auto shallow = git.run({"fetch", "-q", "--depth=1", "origin", wanted});
  if (!shallow && is_commit(wanted) && shallow.error().code() != Code::interrupted) {
    TRY(git.run({"fetch", "-q", "origin"}));  // servers need not give single commits
  } else if (!shallow && shallow.error().code() == Code::interrupted) {
    return fail(Code::interrupted, "fetch", source.remote);
  } else if (!shallow) {
    return fail(Error(shallow.error().code(), "fetch").on(source.remote).why(shallow.error().message()));
  }
  TRY(git.run({"checkout", "-q", "--detach", shallow ? "FETCH_HEAD" : wanted}));
  TRY(git.run({"submodule", "update", "-q", "--init", "--recursive", "--depth=1"}));
  const std::string head = TRY(git.run({"rev-parse", "HEAD"}));
  Fetched fetched;
  fetched.identity = head;
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
