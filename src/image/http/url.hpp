// Addresses, taken apart by the same code that connects to them: what one parser calls the host and another does not
// would send secrets to strangers.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::image {

struct Url {
  std::string scheme;  // "https", in lower case
  std::string host;    // "registry.example.com", "[::1]", in lower case
  std::string port;    // always there: "443"
  std::string shown;   // without what may be secret: user, password, query and fragment

  static Result<Url> parse(const std::string& text);
  // What may see the same secrets.
  bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
  // "host", "host:5000": as registries are called.
  std::string place() const;
};

// Where a Location header leads, seen from the address that gave it; relative ones too (RFC 3986, 5.2).
Result<std::string> resolve_url(const std::string& base, const std::string& location);

// The address with another host in it.
Result<std::string> with_host(const std::string& address, const std::string& host);

}  // namespace consort::image
