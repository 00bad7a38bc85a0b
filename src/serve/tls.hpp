// TLS for clients on the network, using OpenSSL, which is loaded if a server listens there. Clients without a
// certificate from the given authority are refused (docker's --tlsverify).
#pragma once

#include <memory>
#include <string>

#include "base/os/fd.hpp"

namespace consort::serve {

struct TlsFiles {
  std::string authority;    // for clients' certificates; PEM, like the others
  std::string certificate;  // the server's, with its intermediate certificates
  std::string key;
};

class TlsContext {
 public:
  // Reads the files. Code::invalid: one of them is malformed, or the key does not match the certificate.
  static Result<std::shared_ptr<TlsContext>> make(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  struct Impl;
  // Returns a descriptor for the plain bytes from and to the client. Nothing arrives until the client has
  // authenticated; if it never does, the descriptor reports the end. A thread of its own relays the bytes while both
  // sides exist.
  static Result<Fd> unwrap(std::shared_ptr<TlsContext> context, Fd client);

  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::serve
