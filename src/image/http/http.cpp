#include "image/http/http.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/strings.hpp"
#include "image/http/curl.hpp"
#include "image/http/http_failure.hpp"
#include "image/http/proxy.hpp"
#include "image/http/tls_options.hpp"

namespace consort::image {

namespace {

using Clock = std::chrono::steady_clock;

// A transfer slower than this is considered dead.
constexpr long stall_bytes_per_second = 16;
constexpr std::size_t max_header_bytes = 256 * 1024;
constexpr std::size_t max_error_page = 1 << 20;  // the beginning is enough, and some have no end
constexpr int max_redirects = 10;
constexpr long receive_buffer = 256 * 1024;
constexpr int longest_poll = 1000;  // milliseconds; libcurl wakes up for its own timers

// One transfer at a time, but through the multi interface, because only that can be woken from another thread.
struct Handle {
  const CurlLibrary* curl = nullptr;
  CURLM* multi = nullptr;  // holds the connections
  CURL* easy = nullptr;

  explicit Handle(const CurlLibrary* library)
      : curl(library), multi(library->multi_init()), easy(library->easy_init()) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (easy) curl->easy_cleanup(easy);
    if (multi) curl->multi_cleanup(multi);
  }
};
using HandleOwner = std::unique_ptr<Handle>;

// One request in progress: the data for the C callbacks.
struct Transfer {
  const HttpRequest& request;
  HttpResponse response;
  std::optional<Error> error;
  std::size_t header_bytes = 0;
  bool headers_told = false;
  bool enough = false;  // the answer so far is sufficient: stop reading

  bool answered() const { return header_bytes > 0; }

  void on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // a new answer, after "100 Continue"
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
    if (!good) {
      const std::size_t room = max_error_page - response.body.size();
      enough = bytes.size() > room;
      bytes = bytes.first(std::min(bytes.size(), room));
    } else if (response.body.size() + bytes.size() > request.max_body) {
      return fail(Error(Code::invalid, "read answer").on(request.url).why("it is larger than expected"));
    }
    response.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
};

std::size_t write_callback(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  Result<> taken = transfer.on_body(std::as_bytes(std::span(data, size * count)));
  if (taken && !transfer.enough) return size * count;
  if (!taken) transfer.error = std::move(taken).error();
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
  return 0;
}

// The target of this step of a request: the original address, or the target of a redirect.
struct Hop {
  std::string address;
  Url url;
  std::string proxy;
  bool authorized = false;
  std::string server_name;  // TlsSettings::server_name, only for the first origin
};

}  // namespace

struct HttpClient::State {
  std::mutex mutex;
  std::vector<HandleOwner> idle;

  Result<HandleOwner> take(const CurlLibrary* curl) {
    const std::scoped_lock lock(mutex);
    if (!idle.empty()) {
      HandleOwner handle = std::move(idle.back());
      idle.pop_back();
      curl->easy_reset(handle->easy);
      return handle;
    }
    auto handle = std::make_unique<Handle>(curl);
    if (!handle->easy || !handle->multi) return fail(Code::internal, "prepare request");
    return handle;
  }
  void give_back(HandleOwner handle) {
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

Result<CurlList> header_list(const CurlLibrary* curl, const HttpRequest& request, const Hop& hop) {
  CurlList list(nullptr, CurlListFree{curl});
  std::vector<std::string> headers = request.headers;
  headers.emplace_back("Expect:");  // do not wait for "100 Continue"
  if (request.sink && request.decoding == HttpRequest::Decoding::kept_bodies)
    headers.emplace_back("Accept-Encoding: identity");
  if (hop.authorized) headers.push_back(request.authorization);
  if (!hop.server_name.empty()) headers.push_back("Host: " + hop.url.place());
  for (const std::string& header : headers) {
    if (header.find_first_of("\r\n") != std::string::npos)
      return fail(Error(Code::invalid, "request").on(hop.url.shown).why("a header holds a line end"));
    TRY(append(list, header));
  }
  return list;
}

void set_options(const CurlLibrary& curl, CURL* handle, Transfer& transfer, const Hop& hop) {
  const HttpRequest& request = transfer.request;
  const auto set = curl.easy_setopt;
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name look-up that is given up
  set(handle, CURLOPT_USERAGENT, "consort/" CONSORT_VERSION);
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_PROXY, hop.proxy.c_str());  // "": none, regardless of libcurl's environment variables
  set(handle, CURLOPT_NOPROXY, "");
  set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_within.count()));
  set(handle, CURLOPT_LOW_SPEED_LIMIT, stall_bytes_per_second);
  set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall.count()));
  set(handle, CURLOPT_BUFFERSIZE, receive_buffer);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_WRITEFUNCTION, &write_callback);
  set(handle, CURLOPT_WRITEDATA, &transfer);
  set(handle, CURLOPT_HEADERFUNCTION, &header_callback);
  set(handle, CURLOPT_HEADERDATA, &transfer);
  set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(handle, CURLOPT_XFERINFOFUNCTION, &progress_callback);
  set(handle, CURLOPT_XFERINFODATA, &transfer);
  set(handle, CURLOPT_NOPROGRESS, 0L);
  // libcurl decodes content only if asked to.
  if (!request.sink || request.decoding == HttpRequest::Decoding::all) set(handle, CURLOPT_ACCEPT_ENCODING, "identity");
  set_method(curl, handle, transfer);
  set_tls(curl, handle, request.tls);
}

// Runs until the transfer has ended, the caller gives up, or the answer takes too long.
CURLcode run(const Handle& handle, const Transfer& transfer) {
  const CurlLibrary& curl = *handle.curl;
  const HttpRequest& request = transfer.request;
  const bool bounded = request.answer_within.count() > 0 && !request.upload;
  const auto deadline = Clock::now() + request.answer_within;
  const std::stop_callback wake(request.cancel, [&] { curl.multi_wakeup(handle.multi); });
  if (curl.multi_add_handle(handle.multi, handle.easy) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLcode result = CURLE_OK;
  for (int running = 1; running > 0;) {
    if (curl.multi_perform(handle.multi, &running) != CURLM_OK) result = CURLE_FAILED_INIT;
    if (request.cancel.stop_requested()) result = CURLE_ABORTED_BY_CALLBACK;
    int wait = longest_poll;
    if (running > 0 && bounded && !transfer.answered()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left < 0) result = CURLE_OPERATION_TIMEDOUT;
      wait = static_cast<int>(std::clamp<std::int64_t>(left + 1, 0, longest_poll));
    }
    if (result != CURLE_OK) break;
    if (running > 0) curl.multi_poll(handle.multi, nullptr, 0, wait, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl.multi_info_read(handle.multi, &left))
    if (message->msg == CURLMSG_DONE && result == CURLE_OK) result = message->data.result;
  curl.multi_remove_handle(handle.multi, handle.easy);
  return result;
}

TransportFacts facts_of(const Handle& handle, CURLcode code, const char* detail, const HttpRequest& request) {
  TransportFacts facts{code, detail && *detail ? detail : handle.curl->easy_strerror(code)};
  handle.curl->easy_getinfo(handle.easy, CURLINFO_OS_ERRNO, &facts.os_errno);
  handle.curl->easy_getinfo(handle.easy, CURLINFO_HTTP_CONNECTCODE, &facts.connect_status);
  handle.curl->easy_getinfo(handle.easy, CURLINFO_SSL_VERIFYRESULT, &facts.verify_result);
  facts.answer_within = request.answer_within;
  return facts;
}

// The target of a redirect; nullopt if the answer is not a redirect, or one that must not be followed.
Result<std::optional<std::string>> next_address(const HttpRequest& request, const Hop& hop,
                                                const HttpResponse& response) {
  const bool reading = request.method == HttpRequest::Method::get || request.method == HttpRequest::Method::head;
  const bool redirect = response.status == 307 || response.status == 308 ||
                        (reading && (response.status == 301 || response.status == 302 || response.status == 303));
  const std::string location = response.header("location");
  if (!redirect || location.empty() || request.upload || request.redirects == HttpRequest::Redirects::none)
    return std::nullopt;
  std::string address = TRY(resolve_url(hop.address, location));
  const Url url = TRY(Url::parse(address));
  if (url.scheme != hop.url.scheme && url.scheme != "https" && request.redirects != HttpRequest::Redirects::downgrade)
    return fail(Error(Code::denied, "request").on(hop.url.shown).why("it redirects from https to " + url.shown));
  return address;
}

}  // namespace

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::perform(const HttpRequest& request) {
  const CurlLibrary* curl = TRY(curl_library());
  const ProxySettings proxies = ProxySettings::from_environment();
  const Url first = TRY(Url::parse(request.url));
  Hop hop{request.url, first, {}, !request.authorization.empty(), request.tls.server_name};
  for (int redirects = 0;; ++redirects) {
    hop.proxy = request.proxy ? *request.proxy : proxies.proxy_for(hop.url);
    HandleOwner handle = TRY(state_->take(curl));
    const CurlList headers = TRY(header_list(curl, request, hop));
    const Asked asked = TRY(asked_for(curl, hop.address, hop.url, hop.server_name));
    Transfer transfer{request, {}, {}};
    std::array<char, CURL_ERROR_SIZE> detail{};
    curl->easy_setopt(handle->easy, CURLOPT_ERRORBUFFER, detail.data());
    curl->easy_setopt(handle->easy, CURLOPT_HTTPHEADER, headers.get());
    set_options(*curl, handle->easy, transfer, hop);
    set_address(*curl, handle->easy, asked);
    const CURLcode code = run(*handle, transfer);
    if (transfer.error) return std::unexpected(HttpFailure(std::move(*transfer.error)));
    if (code != CURLE_OK && !transfer.enough)
      return std::unexpected(transport_failure(facts_of(*handle, code, detail.data(), request), hop.url, hop.proxy,
                                               transfer.response.status));
    state_->give_back(std::move(handle));
    if (transfer.response.status == 407 && !hop.proxy.empty())
      return std::unexpected(proxy_refusal(hop.url, hop.proxy));
    const auto next = TRY(next_address(request, hop, transfer.response));
    if (!next) {
      transfer.response.url = std::move(hop.address);
      return std::move(transfer.response);
    }
    if (redirects >= max_redirects)
      return std::unexpected(HttpFailure(Error(Code::io, "request").on(first.shown).why("it redirects in a circle")));
    hop.url = TRY(Url::parse(*next));
    hop.address = *next;
    hop.proxy.clear();
    hop.authorized = !request.authorization.empty() && hop.url.same_origin(first);
    hop.server_name = hop.url.same_origin(first) ? request.tls.server_name : "";
  }
}

}  // namespace consort::image
