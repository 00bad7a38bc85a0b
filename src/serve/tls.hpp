// TLS for clients that come over the network: OpenSSL, loaded when a server is told to listen there. Nobody is let in
// without a certificate of the authority named (docker's --tlsverify).
#pragma once

#include <memory>
#include <string>

#include "base/os/fd.hpp"

namespace consort::serve {

struct TlsFiles {
  std::string authority;    // of clients' certificates; PEM, as the others
  std::string certificate;  // the server's, with what stands between it and its authority
  std::string key;
};

class TlsContext {
 public:
  // Reads the files. Code::invalid: one of them is no such thing, or the key is another certificate's.
  static Result<std::shared_ptr<TlsContext>> make(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  struct Impl;
  // Gives the bytes that this client sends and is sent, once it has shown who it is: until then nothing comes, and if
  // it never does, the end. A thread of its own carries them, for as long as either side is there.
  static Result<Fd> unwrap(std::shared_ptr<TlsContext> context, Fd client);

  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::serve
