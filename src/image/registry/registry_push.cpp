#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

// Upload sessions' addresses may be relative.
std::string absolute(const std::string& base, const std::string& location) {
  return location.starts_with("/") ? base + location : location;
}

std::string with_parameter(const std::string& url, const std::string& parameter) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + parameter;
}

constexpr int max_upload_attempts = 3;

}  // namespace

Result<bool> Registry::mount_blob(const Digest& digest, const std::string& from_repository) {
  HttpRequest request;
  request.method = HttpRequest::Method::post;
  request.url =
      url(TRY(base()), "/blobs/uploads/?mount=" + url_encode(digest.text()) + "&from=" + url_encode(from_repository));
  const HttpResponse response = TRY(send_retrying(request));
  // 202 opens an upload instead, which the server forgets by itself; a refusal is no reason to stop either.
  return response.status == 201;
}

Result<> Registry::upload_blob(const Upload& upload) {
  const std::string server = TRY(base());
  for (int attempt = 0;; ++attempt) {
    HttpRequest begin;
    begin.method = HttpRequest::Method::post;
    begin.url = url(server, "/blobs/uploads/");
    const HttpResponse session = TRY(send_retrying(begin));
    if (session.status != 202) return fail(registry_error(session, "upload to", location_.repository));

    ByteSource source = TRY(upload.open());
    HttpRequest put;
    put.method = HttpRequest::Method::put;
    put.url =
        with_parameter(absolute(server, session.header("location")), "digest=" + url_encode(upload.digest.text()));
    put.headers.push_back("Content-Type: application/octet-stream");
    put.upload = source;
    put.upload_size = upload.size;
    put.on_uploaded = upload.on_bytes;
    const Result<HttpResponse> done = send(put);
    if (done && done->status == 201) return {};
    const bool again = done ? done->status >= 500 || done->status == 401 || done->status == 429
                            : done.error().code() == Code::io && done.error().sys_errno() == 0;
    if (!again || attempt + 1 >= max_upload_attempts) {
      if (done) return fail(registry_error(*done, "upload", upload.digest.text()));
      return fail(Error(done.error().code(), "upload").on(upload.digest.text()).why(done.error().message()));
    }
    TRY(wait_before_retry(attempt, done ? &*done : nullptr));
  }
}

Result<Digest> Registry::put_manifest(const std::string& selector, const std::string& body,
                                      std::string_view media_type) {
  HttpRequest request;
  request.method = HttpRequest::Method::put;
  request.url = url(TRY(base()), "/manifests/" + selector);
  request.headers.push_back("Content-Type: " + std::string(media_type));
  request.body = body;
  const HttpResponse response = TRY(send_retrying(request));
  if (response.status != 201 && response.status != 200)
    return fail(registry_error(response, "push manifest", selector));
  return Digest::of(body);
}

}  // namespace consort::image
