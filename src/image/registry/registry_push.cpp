#include "base/url.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

constexpr int max_upload_attempts = 3;

std::string with_parameter(const std::string& url, const std::string& parameter) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + parameter;
}

bool is_success(int status) {
  return status / 100 == 2;  // 201 by the specification; others send 202 or 204, which Docker accepts
}

// The address for the upload. Relative locations are relative to the requested address; a server behind a
// TLS-terminating proxy may not know that it is contacted over https.
Result<std::string> upload_address(const HttpResponse& session, const Url& server) {
  const std::string location = session.header("location");
  if (location.empty())
    return fail(Error(Code::invalid, "upload to").on(server.place()).why("the answer has no Location header"));
  std::string address = TRY(resolve_url(session.url, location));
  const Url url = TRY(Url::parse(address));
  if (url.scheme != "http" || server.scheme != "https") return address;
  const std::string own = "http://" + server.place();
  if (!address.starts_with(own + "/"))
    return fail(
        Error(Code::denied, "upload to").on(server.place()).why("it sends the content to plain HTTP: " + url.shown));
  return "https" + address.substr(4);
}

// If the bytes go to another host, its refusal says nothing about our rights on the registry.
Error upload_error(const HttpResponse& refused, const Digest& digest, const Url& server) {
  Error error = registry_error(refused, "upload", digest.text());
  const auto from = Url::parse(refused.url);
  if (!from || from->same_origin(server)) return error;
  Error outer(Code::io, "upload");
  outer.data().object = digest.text();
  outer.data().why = from->place() + " answers: " + error.data().why;
  outer.data().hint = refused_elsewhere(server.place(), "uploads", from->place());
  return outer;
}

}  // namespace

void Registry::will_mount_from(std::vector<std::string> repositories) {
  const std::scoped_lock lock(mutex_);
  mounted_from_ = std::move(repositories);
}

Result<bool> Registry::mount_blob(const Digest& digest, const std::string& from_repository) {
  HttpRequest request;
  request.method = HttpRequest::Method::post;
  request.url = TRY(url("/blobs/uploads/?mount=" + url_encode(digest.text()) + "&from=" + url_encode(from_repository)));
  const HttpResponse response = TRY(send_retrying(request));
  // 202 opens an upload instead, which the server expires by itself; a refusal does not stop us either.
  return response.status == 201;
}

Result<> Registry::upload_blob(const Upload& upload) {
  const Url server = TRY(base());
  for (int attempt = 1;; ++attempt) {
    HttpRequest begin;
    begin.method = HttpRequest::Method::post;
    begin.url = TRY(url("/blobs/uploads/"));
    const HttpResponse session = TRY(send_retrying(begin));
    if (!is_success(session.status)) return fail(registry_error(session, "upload to", location_.repository));

    ByteSource source = TRY(upload.open());
    HttpRequest put;
    put.method = HttpRequest::Method::put;
    put.url = with_parameter(TRY(upload_address(session, server)), "digest=" + url_encode(upload.digest.text()));
    put.headers.push_back("Content-Type: application/octet-stream");
    put.upload = source;
    put.upload_size = upload.size;
    put.on_uploaded = upload.on_bytes;
    HttpAnswer done = send(put);
    if (done && is_success(done->status)) return {};
    std::optional<std::chrono::milliseconds> pause;
    if (attempt < max_upload_attempts) {
      pause = retry_of_layers().pause(done);
      if (done && done->status == 401) pause = access_.patience.first_pause;  // a token expired and has been replaced
    }
    if (!pause)
      return fail(done ? upload_error(*done, upload.digest, server)
                       : std::move(done).error().wrap("upload", upload.digest.text()));
    TRY(sleep_for(*pause, cancel_));
  }
}

Result<Digest> Registry::put_manifest(const std::string& selector, const std::string& body,
                                      std::string_view media_type) {
  HttpRequest request;
  request.method = HttpRequest::Method::put;
  request.url = TRY(url("/manifests/" + selector));
  request.headers.push_back("Content-Type: " + std::string(media_type));
  request.body = body;
  const HttpResponse response = TRY(send_retrying(request));
  if (!is_success(response.status)) return fail(registry_error(response, "push manifest", selector));
  return Digest::of(body);
}

}  // namespace consort::image
