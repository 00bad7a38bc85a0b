// Chooses the proxy for an address from the environment, read as Go programs (Docker among them) read it.
#pragma once

#include <string>

#include "image/http/url.hpp"

namespace consort::image {

struct ProxySettings {
  std::string http, https, any;  // "http://user:password@host:3128"
  std::string none;              // NO_PROXY
  // Reads {HTTP,HTTPS,ALL,NO}_PROXY, else their lower-case forms.
  static ProxySettings from_environment();
  // "" for none. Loopback addresses never go through a proxy.
  std::string proxy_for(const Url& url) const;
};

}  // namespace consort::image
