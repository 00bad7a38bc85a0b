#include "serve/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/os/processes/shared_library.hpp"

namespace consort::serve {

namespace {

constexpr std::chrono::seconds handshake_within{30};
constexpr std::size_t block = std::size_t{16} << 10;  // of a TLS record

// Declared by OpenSSL's headers, found at run time.
struct Library {
  decltype(&::TLS_server_method) server_method = nullptr;
  decltype(&::SSL_CTX_new) ctx_new = nullptr;
  decltype(&::SSL_CTX_free) ctx_free = nullptr;
  decltype(&::SSL_CTX_ctrl) ctx_ctrl = nullptr;
  decltype(&::SSL_CTX_set_options) ctx_set_options = nullptr;
  decltype(&::SSL_CTX_use_certificate_chain_file) use_certificate = nullptr;
  decltype(&::SSL_CTX_use_PrivateKey_file) use_key = nullptr;
  decltype(&::SSL_CTX_check_private_key) check_key = nullptr;
  decltype(&::SSL_CTX_load_verify_locations) load_authority = nullptr;
  decltype(&::SSL_CTX_set_verify) set_verify = nullptr;
  decltype(&::SSL_new) ssl_new = nullptr;
  decltype(&::SSL_free) ssl_free = nullptr;
  decltype(&::SSL_set_fd) set_fd = nullptr;
  decltype(&::SSL_accept) accept = nullptr;
  decltype(&::SSL_read) read = nullptr;
  decltype(&::SSL_write) write = nullptr;
  decltype(&::SSL_shutdown) shutdown = nullptr;
  decltype(&::SSL_get_error) get_error = nullptr;
  decltype(&::ERR_get_error) next_error = nullptr;
  decltype(&::ERR_clear_error) clear_errors = nullptr;
  decltype(&::ERR_error_string_n) describe = nullptr;
};

Result<Library> load() {
  SharedLibrary ssl = TRY(SharedLibrary::load({"libssl.so.3"}));
  Library functions;
  ssl.find("TLS_server_method", functions.server_method);
  ssl.find("SSL_CTX_new", functions.ctx_new);
  ssl.find("SSL_CTX_free", functions.ctx_free);
  ssl.find("SSL_CTX_ctrl", functions.ctx_ctrl);
  ssl.find("SSL_CTX_set_options", functions.ctx_set_options);
  ssl.find("SSL_CTX_use_certificate_chain_file", functions.use_certificate);
  ssl.find("SSL_CTX_use_PrivateKey_file", functions.use_key);
  ssl.find("SSL_CTX_check_private_key", functions.check_key);
  ssl.find("SSL_CTX_load_verify_locations", functions.load_authority);
  ssl.find("SSL_CTX_set_verify", functions.set_verify);
  ssl.find("SSL_new", functions.ssl_new);
  ssl.find("SSL_free", functions.ssl_free);
  ssl.find("SSL_set_fd", functions.set_fd);
  ssl.find("SSL_accept", functions.accept);
  ssl.find("SSL_read", functions.read);
  ssl.find("SSL_write", functions.write);
  ssl.find("SSL_shutdown", functions.shutdown);
  ssl.find("SSL_get_error", functions.get_error);
  TRY(ssl.complete());
  SharedLibrary crypto = TRY(SharedLibrary::load({"libcrypto.so.3"}));
  crypto.find("ERR_get_error", functions.next_error);
  crypto.find("ERR_clear_error", functions.clear_errors);
  crypto.find("ERR_error_string_n", functions.describe);
  TRY(crypto.complete());
  return functions;
}

std::string last_error(const Library& library) {
  std::array<char, 256> text{};
  library.describe(library.next_error(), text.data(), text.size());
  return text.data();
}

}  // namespace

struct TlsContext::Impl {
  Library library;
  SSL_CTX* context = nullptr;
  ~Impl() {
    if (context != nullptr) library.ctx_free(context);
  }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsFiles& files) {
  auto library = load();
  if (!library)
    return fail(
        Error(Code::unsupported, "load the TLS library").why(library.error().message()).hint("install libssl3"));
  auto impl = std::make_unique<Impl>();
  impl->library = *library;
  const Library& ssl = impl->library;
  impl->context = ssl.ctx_new(ssl.server_method());
  if (impl->context == nullptr) return fail(Code::io, "set up TLS: " + last_error(ssl));
  const auto need = [&](int done, const char* what, const std::string& file) -> Result<> {
    if (done == 1) return {};
    return fail(Error(Code::invalid, std::string("read ") + what).on(file).why(last_error(ssl)));
  };
  SSL_CTX* const context = impl->context;
  TRY(need(ssl.use_certificate(context, files.certificate.c_str()), "certificate", files.certificate));
  TRY(need(ssl.use_key(context, files.key.c_str(), SSL_FILETYPE_PEM), "key", files.key));
  TRY(need(ssl.check_key(context), "key", files.key));
  TRY(need(ssl.load_authority(context, files.authority.c_str(), nullptr), "authority", files.authority));
  ssl.ctx_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
  // A returning client presents its certificate again.
  ssl.ctx_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, nullptr);
  ssl.ctx_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  ssl.set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

namespace {

// A slow side does not block the other direction: each has a buffer, and a full one is not read into.
class Relay {
 public:
  Relay(const Library& library, SSL* ssl, const Fd& client, const Fd& inner)
      : library_(library), ssl_(ssl), client_(client.get()), inner_(inner.get()) {}

  void run() {
    if (!shake_hands()) return;
    while (step()) {
    }
  }

 private:
  // What the library waits for after a call that could not continue; 0: it has failed, or the client has ended.
  short waits_for(int result) {
    switch (library_.get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        return POLLIN;
      case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
      default:
        return 0;
    }
  }

  bool shake_hands() {
    const auto until = std::chrono::steady_clock::now() + handshake_within;
    while (true) {
      library_.clear_errors();
      const int done = library_.accept(ssl_);
      if (done == 1) return true;
      const short wanted = waits_for(done);
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      if (wanted == 0 || left <= 0) return false;
      pollfd state{client_, wanted, 0};
      if (::poll(&state, 1, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    }
  }

  // False: it has ended.
  bool step() {
    read_wants_ = write_wants_ = 0;
    write_inner();
    if (!read_client() || !read_inner() || !write_client()) return false;
    if (inner_ended_ && to_client_.empty()) {
      library_.shutdown(ssl_);
      return false;
    }
    if (client_ended_ && to_inner_.empty()) {
      if (!std::exchange(told_end_, true)) ::shutdown(inner_, SHUT_WR);
    }
    return wait();
  }

  bool wait() {
    short client_events = static_cast<short>(read_wants_ | write_wants_);
    short inner_events = 0;
    if (!to_inner_.empty()) inner_events = POLLOUT;
    if (!inner_ended_ && to_client_.empty()) inner_events = static_cast<short>(inner_events | POLLIN);
    std::array<pollfd, 2> fds{pollfd{client_, client_events, 0},
                              pollfd{inner_events == 0 ? -1 : inner_, inner_events, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return false;
    return !(client_ended_ && (fds[0].revents & (POLLHUP | POLLERR)) != 0 && to_client_.empty());
  }

  bool read_client() {
    while (!client_ended_ && to_inner_.empty()) {
      std::array<char, block> part;
      library_.clear_errors();
      const int got = library_.read(ssl_, part.data(), static_cast<int>(part.size()));
      if (got > 0) {
        to_inner_.assign(part.data(), static_cast<std::size_t>(got));
        write_inner();
        continue;
      }
      read_wants_ = waits_for(got);
      if (read_wants_ != 0) return true;
      if (library_.get_error(ssl_, got) != SSL_ERROR_ZERO_RETURN) return false;  // cut off
      client_ended_ = true;
    }
    return true;
  }

  // The server may have answered and closed without reading everything: its answer still has to be delivered.
  void write_inner() {
    while (!to_inner_.empty()) {
      const ssize_t sent = ::send(inner_, to_inner_.data(), to_inner_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0)
        to_inner_.clear();
      else
        to_inner_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  bool read_inner() {
    while (!inner_ended_ && to_client_.empty()) {
      std::array<char, block> part;
      const ssize_t got = ::recv(inner_, part.data(), part.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) inner_ended_ = true;
      to_client_.assign(part.data(), static_cast<std::size_t>(got));
      if (!write_client()) return false;
    }
    return true;
  }

  bool write_client() {
    if (to_client_.empty()) return true;
    library_.clear_errors();
    const int sent = library_.write(ssl_, to_client_.data(), static_cast<int>(to_client_.size()));
    if (sent > 0) {
      to_client_.clear();  // the library writes all or nothing
      return true;
    }
    write_wants_ = waits_for(sent);
    return write_wants_ != 0;
  }

  const Library& library_;
  SSL* ssl_;
  int client_, inner_;
  std::string to_inner_, to_client_;
  short read_wants_ = 0, write_wants_ = 0;
  bool client_ended_ = false, inner_ended_ = false, told_end_ = false;
};

// Unread data from the client would make it lose the end of the answer (a reset).
void see_off(int client) {
  constexpr std::chrono::seconds patience{2};
  ::shutdown(client, SHUT_WR);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd state{client, POLLIN, 0};
    if (left <= 0 || ::poll(&state, 1, static_cast<int>(left)) <= 0) return;
    std::array<char, block> unwanted;
    if (::recv(client, unwanted.data(), unwanted.size(), MSG_DONTWAIT) <= 0) return;
  }
}

void carry(const TlsContext::Impl& impl, const Fd& client, const Fd& inner) {
  SSL* const ssl = impl.library.ssl_new(impl.context);
  if (ssl == nullptr) return;
  if (impl.library.set_fd(ssl, client.get()) == 1) Relay(impl.library, ssl, client, inner).run();
  impl.library.ssl_free(ssl);
  see_off(client.get());
}

}  // namespace

Result<Fd> TlsContext::unwrap(std::shared_ptr<TlsContext> context, Fd client) {
  TRY(set_nonblocking(client.get()));
  auto [inner, plain] = TRY(make_socket_pair(SOCK_STREAM));
  try {
    std::thread([context = std::move(context), client = std::move(client), inner = std::move(inner)] {
      carry(context->impl(), client, inner);
    }).detach();
  } catch (const std::system_error& error) {
    return fail(Code::io, std::string("start thread: ") + error.what());
  }
  return std::move(plain);
}

}  // namespace consort::serve
