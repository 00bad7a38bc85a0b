#include "image/registry/http.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <mutex>

#include "base/strings.hpp"
#include "image/registry/curl.hpp"

namespace consort::image {

namespace {

constexpr long connect_timeout_seconds = 20;
// A transfer slower than this for so long has broken off without a word.
constexpr long stall_bytes_per_second = 16;
constexpr long stall_seconds = 30;
constexpr std::size_t max_header_bytes = 256 * 1024;
constexpr long max_redirects = 10;
constexpr long receive_buffer = 256 * 1024;

struct HandleFree {
  const CurlLibrary* curl = nullptr;
  void operator()(CURL* handle) const { curl->easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, HandleFree>;

struct HeaderListFree {
  const CurlLibrary* curl = nullptr;
  void operator()(curl_slist* list) const { curl->slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListFree>;

// One request under way: what the callbacks, which come from C, need.
struct Transfer {
  const HttpRequest& request;
  HttpResponse response;
  std::optional<Error> error;
  std::size_t header_bytes = 0;
  bool headers_told = false;

  void on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // a new answer: after a redirect, or after "100 Continue"
      response.headers.clear();
      const std::size_t space = line.find(' ');
      response.status =
          space == std::string_view::npos ? 0 : static_cast<int>(parse_unsigned(line.substr(space + 1, 3)).value_or(0));
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string& value = response.headers[to_lower(trim(line.substr(0, colon)))];
    if (!value.empty()) value += ", ";
    value += trim(line.substr(colon + 1));
  }

  Result<> on_body(std::span<const std::byte> bytes) {
    const bool good = response.status >= 200 && response.status < 300;
    if (good && request.sink) {
      if (!headers_told && request.on_headers) TRY(request.on_headers(response));
      headers_told = true;
      return request.sink(bytes);
    }
    if (response.body.size() + bytes.size() > request.max_body) {
      if (!good) return {};  // an error page: its beginning says enough
      return fail(Error(Code::invalid, "read answer").on(request.url).why("it is larger than expected"));
    }
    response.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
};

std::size_t write_callback(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  Result<> taken = transfer.on_body(std::as_bytes(std::span(data, size * count)));
  if (taken) return size * count;
  transfer.error = std::move(taken).error();
  return 0;
}

std::size_t header_callback(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += size * count;
  if (transfer.header_bytes > max_header_bytes) return 0;
  transfer.on_header(trim(std::string_view(data, size * count)));
  return size * count;
}

std::size_t read_callback(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  auto got = transfer.request.upload(std::as_writable_bytes(std::span(data, size * count)));
  if (got) return *got;
  transfer.error = std::move(got).error();
  return CURL_READFUNC_ABORT;
}

int progress_callback(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.request.on_uploaded && uploaded > 0) transfer.request.on_uploaded(static_cast<std::uint64_t>(uploaded));
  return transfer.request.cancel.stop_requested() ? 1 : 0;
}

bool is_loopback_url(std::string_view url) {
  const std::size_t start = url.find("://");
  if (start == std::string_view::npos) return false;
  const std::string_view rest = url.substr(start + 3);
  return rest.starts_with("127.") || rest.starts_with("localhost") || rest.starts_with("[::1]");
}

Error transport_error(CURLcode code, const char* detail, const CurlLibrary& curl, const HttpRequest& request) {
  Code kind = Code::io;
  std::string hint;
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      kind = Code::denied;
      hint =
          "if the server is yours, put its CA certificate at /etc/docker/certs.d/HOST:PORT/ca.crt, "
          "or mark the registry as insecure in registries.conf";
      break;
    case CURLE_COULDNT_RESOLVE_HOST:
      kind = Code::not_found;
      hint =
          "is the name right, and is there a network? Without a way to the registry, set a mirror in registries.conf "
          "or bring the image with `image load`";
      break;
    case CURLE_COULDNT_CONNECT:
      hint = "does the registry run, and is its address right?";
      break;
    case CURLE_ABORTED_BY_CALLBACK:
      kind = Code::interrupted;
      break;
    default:
      break;
  }
  std::string reason = detail && *detail ? detail : curl.easy_strerror(code);
  Error error(kind, "request");
  error.data().object = request.url.substr(0, request.url.find('?'));  // queries of signed URLs are secrets
  error.data().why = kind == Code::interrupted ? "interrupted" : std::move(reason);
  error.data().hint = std::move(hint);
  return error;
}

}  // namespace

struct HttpClient::State {
  std::mutex mutex;
  std::vector<Handle> idle;

  Result<Handle> take(const CurlLibrary* curl) {
    const std::scoped_lock lock(mutex);
    if (!idle.empty()) {
      Handle handle = std::move(idle.back());
      idle.pop_back();
      curl->easy_reset(handle.get());  // keeps its connections
      return handle;
    }
    Handle handle(curl->easy_init(), HandleFree{curl});
    if (!handle) return fail(Code::internal, "prepare request");
    return handle;
  }
  void give_back(Handle handle) {
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(handle));
  }
};

namespace {

void set_method(const CurlLibrary& curl, CURL* handle, Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  using Method = HttpRequest::Method;
  const char* name = nullptr;
  switch (request.method) {
    case Method::get:
      break;
    case Method::head:
      curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
      break;
    case Method::post:
      name = "POST";
      break;
    case Method::put:
      name = "PUT";
      break;
    case Method::patch:
      name = "PATCH";
      break;
    case Method::del:
      name = "DELETE";
      break;
  }
  if (!name) return;
  if (request.upload) {
    curl.easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl.easy_setopt(handle, CURLOPT_READFUNCTION, &read_callback);
    curl.easy_setopt(handle, CURLOPT_READDATA, &transfer);
    curl.easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_size));
    curl.easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, receive_buffer);
  } else if (request.method != Method::del) {
    curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl.easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, name);
}

void set_tls(const CurlLibrary& curl, CURL* handle, const TlsSettings& tls) {
  if (tls.verify == TlsSettings::Verify::no) {
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls.extra_authorities.empty()) {
    // The system's authorities stay in force: they come by CURLOPT_CAPATH's default.
    curl_blob blob{const_cast<char*>(tls.extra_authorities.data()), tls.extra_authorities.size(), CURL_BLOB_COPY};
    curl.easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!tls.client_certificate.empty()) curl.easy_setopt(handle, CURLOPT_SSLCERT, tls.client_certificate.c_str());
  if (!tls.client_key.empty()) curl.easy_setopt(handle, CURLOPT_SSLKEY, tls.client_key.c_str());
}

void set_proxy(const CurlLibrary& curl, CURL* handle, const std::string& url) {
  if (is_loopback_url(url)) {
    curl.easy_setopt(handle, CURLOPT_NOPROXY, "*");
    return;
  }
  // libcurl reads all proxy variables but this one, for the sake of CGI programs; Docker reads it.
  const char* proxy = std::getenv("HTTP_PROXY");
  if (proxy && *proxy && !std::getenv("http_proxy") && url.starts_with("http://"))
    curl.easy_setopt(handle, CURLOPT_PROXY, proxy);
}

Result<HeaderList> header_list(const CurlLibrary* curl, const HttpRequest& request) {
  HeaderList list(nullptr, HeaderListFree{curl});
  std::vector<std::string> headers = request.headers;
  headers.emplace_back("Expect:");  // no waiting for "100 Continue"
  for (const std::string& header : headers) {
    if (header.find_first_of("\r\n") != std::string::npos)
      return fail(Error(Code::invalid, "request").on(request.url).why("a header holds a line end"));
    curl_slist* longer = curl->slist_append(list.get(), header.c_str());
    if (!longer) return fail(Code::internal, "prepare request");
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

}  // namespace

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::perform(const HttpRequest& request) {
  const CurlLibrary* curl = TRY(curl_library());
  Handle owner = TRY(state_->take(curl));
  CURL* handle = owner.get();
  const HeaderList headers = TRY(header_list(curl, request));
  Transfer transfer{request, {}, {}};
  std::array<char, CURL_ERROR_SIZE> detail{};

  const auto set = curl->easy_setopt;
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_USERAGENT, "consort/" CONSORT_VERSION);
  set(handle, CURLOPT_ERRORBUFFER, detail.data());
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_REDIR_PROTOCOLS_STR, request.url.starts_with("https:") ? "https" : "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 1L);
  set(handle, CURLOPT_MAXREDIRS, max_redirects);
  set(handle, CURLOPT_CONNECTTIMEOUT, connect_timeout_seconds);
  set(handle, CURLOPT_LOW_SPEED_LIMIT, stall_bytes_per_second);
  set(handle, CURLOPT_LOW_SPEED_TIME, stall_seconds);
  set(handle, CURLOPT_BUFFERSIZE, receive_buffer);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_WRITEFUNCTION, &write_callback);
  set(handle, CURLOPT_WRITEDATA, &transfer);
  set(handle, CURLOPT_HEADERFUNCTION, &header_callback);
  set(handle, CURLOPT_HEADERDATA, &transfer);
  set(handle, CURLOPT_XFERINFOFUNCTION, &progress_callback);
  set(handle, CURLOPT_XFERINFODATA, &transfer);
  set(handle, CURLOPT_NOPROGRESS, 0L);
  if (!request.basic_user.empty()) {
    set(handle, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(handle, CURLOPT_USERNAME, request.basic_user.c_str());
    set(handle, CURLOPT_PASSWORD, request.basic_password.c_str());
  }
  set_method(*curl, handle, transfer);
  set_tls(*curl, handle, request.tls);
  set_proxy(*curl, handle, request.url);

  const CURLcode code = curl->easy_perform(handle);
  if (transfer.error) return fail(std::move(*transfer.error));
  if (code != CURLE_OK) {
    Error error = transport_error(code, detail.data(), *curl, request);
    long number = 0;
    if (code == CURLE_COULDNT_CONNECT) curl->easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
    if (number == ECONNREFUSED) error.data().sys_errno = static_cast<int>(number);
    if (code == CURLE_PARTIAL_FILE) error.data().http_status = transfer.response.status;  // it did answer
    return fail(std::move(error));
  }
  state_->give_back(std::move(owner));
  return std::move(transfer.response);
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded;
}

namespace {
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view text) {
  std::string encoded;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      encoded += i + k > text.size() ? '=' : base64_digits[(group >> (18 - 6 * k)) & 63];
  }
  return encoded;
}

std::optional<std::string> base64_decode(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = base64_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded += static_cast<char>((group >> bits) & 0xff);
  }
  return decoded;
}

}  // namespace consort::image
