// URLs, parsed by libcurl, which also connects to them: if two parsers disagreed about the host, secrets could go to
// strangers.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::image {

struct Url {
  std::string scheme;  // "https", in lower case
  std::string host;    // "registry.example.com", "[::1]", in lower case
  std::string port;    // always set: "443"
  std::string shown;   // without possible secrets: user, password, query and fragment

  static Result<Url> parse(const std::string& text);
  // Whether the other URL may receive the same secrets.
  bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
  // "host" or "host:5000", as registries are named.
  std::string place() const;
};

// Resolves a Location header, which may be relative, against the address that returned it (RFC 3986, 5.2).
Result<std::string> resolve_url(const std::string& base, const std::string& location);

// The address with its host replaced.
Result<std::string> with_host(const std::string& address, const std::string& host);

}  // namespace consort::image
