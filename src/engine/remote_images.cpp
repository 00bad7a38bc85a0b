#include "engine/remote_images.hpp"

#include <thread>

#include "base/strings.hpp"
#include "base/url.hpp"
#include "image/http.hpp"

namespace consort::engine {

namespace {

image::HttpRequest request_for(const std::string& url, const std::stop_token& cancel) {
  image::HttpRequest request;
  request.url = url;
  request.cancel = cancel;
  return request;
}

Error no_answer(const std::string& url, const image::HttpFailure& failure) {
  return Error(failure.code() == Code::interrupted ? Code::interrupted : Code::io,
               "Get \"" + url + "\": " + failure.error.message());
}

Error refused(const std::string& url, const image::HttpResponse& answer) {
  return Error(Code::io, "failed to GET " + url + " with status " + std::to_string(answer.status) + ": " +
                             std::string(trim(answer.body)).substr(0, 500));
}

// Writes the download into the pipe. unwanted: nobody reads the rest.
Result<> download(const std::string& url, const Fd& out, const Downloading& told, const std::stop_token& cancel,
                  bool& unwanted) {
  image::HttpRequest request = request_for(url, cancel);
  std::uint64_t now = 0, total = 0;
  request.on_headers = [&](const image::HttpResponse& answer) -> Result<> {
    total = parse_unsigned(answer.header("content-length")).value_or(0);
    return told(0, total);
  };
  request.sink = [&](std::span<const std::byte> bytes) -> Result<> {
    Result<> written = write_full(out.get(), bytes);
    unwanted = !written;
    TRY(std::move(written));
    now += bytes.size();
    return told(now, total);
  };
  image::HttpClient client;
  const auto answer = client.perform(request);
  if (!answer) return fail(no_answer(url, answer.error()));
  return answer->status / 100 == 2 ? Result<>() : fail(refused(url, *answer));
}

}  // namespace

Result<image::Image> import_from(Images images, const std::string& url, const image::ImportOptions& options,
                                 const Downloading& told, const std::stop_token& cancel) {
  Pipe pipe = TRY(make_pipe());
  Result<> downloaded;
  bool unwanted = false;
  std::jthread downloader([&, out = std::move(pipe.write)] {
    downloaded = download(url, out, told, cancel, unwanted);
    // A truncated download must not be mistaken for a complete one: no archive ends with a partial block.
    if (!downloaded && !unwanted) (void)write_full(out.get(), std::string_view("-"));
  });
  auto made = images.import(pipe.read.get(), options);
  pipe.read.reset();  // who still writes is to give up
  downloader.join();
  if (downloaded || unwanted || (made && downloaded.error().code() != Code::interrupted)) return made;
  return fail(std::move(downloaded).error());
}

// "HOST/NAME" is searched on that host, as Docker does; everything else in Docker Hub's index.
Result<std::string> search_images(const std::string& term, std::size_t limit, const std::stop_token& cancel) {
  std::string host = "index.docker.io", name = term;
  const std::size_t slash = term.find('/');
  const std::string first = term.substr(0, slash);
  if (slash != std::string::npos && (first.find_first_of(".:") != std::string::npos || first == "localhost")) {
    host = first;
    name = term.substr(slash + 1);
  }
  if (host == "docker.io") host = "index.docker.io";
  const std::string bare = host.substr(0, host.rfind(':'));
  const bool local = bare == "localhost" || bare == "[::1]" || bare.starts_with("127.");
  const std::string url = std::string(local ? "http" : "https") + "://" + host + "/v1/search?q=" + url_encode(name) +
                          "&n=" + std::to_string(limit);
  image::HttpClient client;
  auto answer = client.perform(request_for(url, cancel));
  if (!answer) return fail(no_answer(url, answer.error()));
  if (answer->status != 200) return fail(Code::io, "Unexpected status code " + std::to_string(answer->status));
  return std::move(answer->body);
}

}  // namespace consort::engine
