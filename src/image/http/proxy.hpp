// Which proxy is asked for an address, from the environment, read as Go programs (Docker among them) read it.
#pragma once

#include <string>

#include "image/http/url.hpp"

namespace consort::image {

struct ProxySettings {
  std::string http, https, any;  // "http://user:password@host:3128"
  std::string none;              // NO_PROXY
  // {HTTP,HTTPS,ALL,NO}_PROXY, else their lower-case forms.
  static ProxySettings from_environment();
  // "" for none. This machine is never asked through a proxy.
  std::string proxy_for(const Url& url) const;
};

}  // namespace consort::image
