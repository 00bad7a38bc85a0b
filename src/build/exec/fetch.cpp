#include "build/exec/fetch.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/git.hpp"
#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/solve/cancel_watch.hpp"
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

}  // namespace

Result<Fetched> fetch_url(const std::string& url, const std::string& checksum, const std::string& directory,
                          int cancel_fd) {
  TRY(make_directories(directory, 0700));
  Fetched fetched;
  fetched.name = file_name_of(url);
  fetched.path = directory + "/content";
  const Fd file = TRY(open_file(fetched.path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  image::HttpClient client;
  Sha256 digest;
  std::uint64_t total = 0;
  const std::stop_source stop;
  const CancelWatch watch(cancel_fd, stop);  // also if the server sends nothing
  image::HttpRequest request;
  request.url = url;
  request.cancel = stop.get_token();
  request.sink = [&](std::span<const std::byte> bytes) -> Result<> {
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
  // The server's time would become part of the layer; BuildKit also uses the epoch if there is none.
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

Result<Fetched> fetch_git(const std::string& url, const std::string& checksum, GitDirectory git_directory,
                          const std::string& directory, int cancel_fd) {
  const GitAddress source = TRY(parse_git_address(url));
  TRY(make_directories(directory, 0700));
  const std::string repository = directory + "/repository";
  TRY(make_directories(repository));
  const std::string wanted = source.reference.empty() ? "HEAD" : source.reference;
  TRY_WRAP(git_check_out(source.remote, wanted, repository, cancel_fd), "fetch", source.remote);
  const auto git = [&](const std::vector<std::string>& arguments) { return run_git(arguments, repository, cancel_fd); };
  TRY(git({"submodule", "update", "-q", "--init", "--recursive", "--depth=1"}));
  const std::string head = TRY(git({"rev-parse", "HEAD"}));
  Fetched fetched;
  fetched.identity = head;
  if (!checksum.empty() && !fetched.identity.starts_with(checksum)) {
    return fail(Error(Code::invalid)
                    .why("expected checksum to match " + checksum + ", got " + fetched.identity)
                    .on(source.remote));
  }
  if (git_directory == GitDirectory::remove) TRY(remove_tree(repository + "/.git"));
  fetched.path = repository;
  if (!source.path.empty()) {
    const Fd root = TRY(open_file(repository, O_RDONLY | O_DIRECTORY));
    const std::string below = clean_path("/" + source.path).substr(1);
    if (!open_in_root(root.get(), below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
      return fail(Error(Code::not_found).why("subdir not found in repository: " + source.path));
    fetched.path = repository + "/" + below;
  }
  return fetched;
}

}  // namespace consort::build
