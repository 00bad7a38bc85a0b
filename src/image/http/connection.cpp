#include "image/connection.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "image/http/curl.hpp"
#include "image/http/http_failure.hpp"
#include "image/http/proxy.hpp"
#include "image/http/tls_options.hpp"

namespace consort::image {

struct Connection::State {
  const CurlLibrary* curl = nullptr;
  CURLM* multi = nullptr;
  CURL* easy = nullptr;  // stays in multi, which holds its connection
  curl_socket_t socket = CURL_SOCKET_BAD;

  explicit State(const CurlLibrary* library)
      : curl(library), multi(library->multi_init()), easy(library->easy_init()) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (multi && easy) curl->multi_remove_handle(multi, easy);
    if (easy) curl->easy_cleanup(easy);
    if (multi) curl->multi_cleanup(multi);
  }
};

namespace {

Error broken(const CurlLibrary& curl, CURLcode code, const char* what) {
  return Error(Code::io, what).why(curl.easy_strerror(code));
}

// Runs until the connection is established, has failed, or is no longer wanted.
CURLcode connect(const CurlLibrary& curl, CURLM* multi, CURL* easy, const std::stop_token& cancel) {
  const std::stop_callback wake(cancel, [&] { curl.multi_wakeup(multi); });
  if (curl.multi_add_handle(multi, easy) != CURLM_OK) return CURLE_FAILED_INIT;
  for (int running = 1; running > 0;) {
    if (curl.multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    if (cancel.stop_requested()) return CURLE_ABORTED_BY_CALLBACK;
    if (running > 0) curl.multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl.multi_info_read(multi, &left))
    if (message->msg == CURLMSG_DONE) return message->data.result;
  return CURLE_OK;
}

}  // namespace

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

std::expected<Connection, HttpFailure> Connection::open(const HttpRequest& request) {
  const CurlLibrary* curl = TRY(curl_library());
  const Url url = TRY(Url::parse(request.url));
  const std::string proxy = request.proxy ? *request.proxy : ProxySettings::from_environment().proxy_for(url);
  auto state = std::make_unique<State>(curl);
  if (!state->easy || !state->multi) return std::unexpected(HttpFailure(Error(Code::internal, "prepare connection")));
  std::array<char, CURL_ERROR_SIZE> detail{};
  const auto set = curl->easy_setopt;
  set(state->easy, CURLOPT_ERRORBUFFER, detail.data());
  set(state->easy, CURLOPT_NOSIGNAL, 1L);
  set(state->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(state->easy, CURLOPT_CONNECT_ONLY, 1L);
  // Of the protocols offered by the server, only this one lets us use the connection for something else.
  set(state->easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(state->easy, CURLOPT_PROXY, proxy.c_str());
  set(state->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  set(state->easy, CURLOPT_NOPROXY, "");
  set(state->easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_within.count()));
  set(state->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_tls(*curl, state->easy, request.tls);
  const Asked asked = TRY(asked_for(curl, request.url, url, request.tls.server_name));
  set_address(*curl, state->easy, asked);
  const CURLcode code = connect(*curl, state->multi, state->easy, request.cancel);
  set(state->easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  set(state->easy, CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
  if (code != CURLE_OK) {
    TransportFacts facts{code, detail[0] != '\0' ? detail.data() : curl->easy_strerror(code)};
    curl->easy_getinfo(state->easy, CURLINFO_OS_ERRNO, &facts.os_errno);
    curl->easy_getinfo(state->easy, CURLINFO_HTTP_CONNECTCODE, &facts.connect_status);
    curl->easy_getinfo(state->easy, CURLINFO_SSL_VERIFYRESULT, &facts.verify_result);
    return std::unexpected(transport_failure(facts, url, proxy, 0));
  }
  curl->easy_getinfo(state->easy, CURLINFO_ACTIVESOCKET, &state->socket);
  return Connection(std::move(state));
}

int Connection::fd() const {
  return state_->socket;
}

Result<std::optional<std::size_t>> Connection::read(std::span<std::byte> into) {
  std::size_t got = 0;
  const CURLcode code = state_->curl->easy_recv(state_->easy, into.data(), into.size(), &got);
  if (code == CURLE_AGAIN) return std::nullopt;
  if (code != CURLE_OK) return fail(broken(*state_->curl, code, "read from the server"));
  return got;
}

Result<std::size_t> Connection::write_some(std::string_view bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    std::size_t sent = 0;
    const CURLcode code = state_->curl->easy_send(state_->easy, bytes.data() + written, bytes.size() - written, &sent);
    if (code == CURLE_AGAIN) break;
    if (code != CURLE_OK) return fail(broken(*state_->curl, code, "write to the server"));
    written += sent;
  }
  return written;
}

Result<> Connection::write(std::string_view bytes) {
  for (;;) {
    bytes.remove_prefix(TRY(write_some(bytes)));
    if (bytes.empty()) return {};
    pollfd wait{.fd = state_->socket, .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return fail_errno("wait for the server");
  }
}

}  // namespace consort::image
