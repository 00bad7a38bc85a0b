#include "image/http/proxy.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/strings.hpp"
#include "image/http/address.hpp"

namespace consort::image {

namespace {

std::string variable(const std::string& upper) {
  for (const std::string& name : {upper, to_lower(upper)})
    if (const char* value = std::getenv(name.c_str()); value && *value) return value;
  return {};
}

// One entry of NO_PROXY: "*", a network, an address or a name, the latter two with or without a port.
bool excepts(std::string entry, const Url& url) {
  if (entry == "*") return true;
  if (const auto network = Network::parse(entry)) return network->contains(url.host);
  const HostPort wanted = split_host_port(entry);
  if (!wanted.port.empty() && wanted.port != url.port) return false;
  if (is_address(wanted.host)) return same_address(wanted.host, url.host);
  std::string_view name = wanted.host;
  if (name.starts_with("*.")) name.remove_prefix(1);
  if (name.starts_with('.')) return url.host.ends_with(name);  // matches subdomains only
  return !name.empty() && (url.host == name || url.host.ends_with("." + std::string(name)));
}

}  // namespace

ProxySettings ProxySettings::from_environment() {
  return {variable("HTTP_PROXY"), variable("HTTPS_PROXY"), variable("ALL_PROXY"), variable("NO_PROXY")};
}

std::string ProxySettings::proxy_for(const Url& url) const {
  if (is_loopback_host(url.host)) return {};
  const std::string& own = url.scheme == "https" ? https : http;
  const std::string& chosen = own.empty() ? any : own;
  if (chosen.empty()) return {};
  const auto entries = split(none, ',');
  const bool excepted =
      std::ranges::any_of(entries, [&](const std::string& entry) { return excepts(to_lower(trim(entry)), url); });
  return excepted ? std::string() : chosen;
}

}  // namespace consort::image
