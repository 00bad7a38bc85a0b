// containers-registries.conf(5), version 2: where a name is really fetched from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "image/http/address.hpp"
#include "image/reference.hpp"

namespace consort::image {

struct Location {
  std::string host;        // "registry-1.docker.io", "localhost:5000"
  std::string repository;  // "library/postgres", with the mirror's path before it
  bool insecure = false;   // unverified TLS, else plain HTTP
  bool mirror = false;
};

struct RegistryRule {
  struct Place {
    std::string location;
    bool insecure = false;
    enum class For : std::uint8_t { all, digests, tags } use = For::all;
  };
  std::string prefix;  // "docker.io", "docker.io/library/x", "*.example.com"
  Place place;
  bool blocked = false;
  std::vector<Place> mirrors;
};

class RegistriesConf {
 public:
  // file "": $CONTAINERS_REGISTRIES_CONF, ~/.config/containers/registries.conf, /etc/containers/registries.conf, the
  // first that is there; then the *.conf files of the registries.conf.d directories next to the latter two.
  // docker_daemon: Docker's own settings ("": /etc/docker/daemon.json), for what these files say nothing about.
  static Result<RegistriesConf> load(const std::string& file, const std::string& docker_daemon);
  // One file's text; source names it in errors. Later rules for the same prefix replace earlier ones.
  Result<> add(std::string_view text, const std::string& source);
  void add_insecure(const std::string& host);
  // registry-mirrors counts if there is no rule for Docker Hub, and insecure-registries for hosts without one. Networks
  // are compared with addresses only, not with what names stand for.
  Result<> add_docker_daemon(std::string_view json, const std::string& source);
  // What is wrong with Docker's file: no reason to stop.
  const std::optional<Error>& trouble() const { return trouble_; }

  // In the order to be tried, mirrors first. Blocked: Code::denied.
  Result<std::vector<Location>> locations(const Reference& reference) const;
  // The registry itself, for pushes.
  Result<Location> origin(const Reference& reference) const;
  bool is_insecure(const std::string& host) const;

 private:
  static Result<RegistriesConf> load_own(const std::string& file);
  const RegistryRule* rule_for(const std::string& name) const;
  Location locate(const RegistryRule::Place& place, std::size_t matched, const Reference& reference) const;
  std::vector<RegistryRule> rules_;
  std::vector<std::string> insecure_;
  struct DockerDaemon {
    std::vector<std::string> insecure;
    std::vector<Network> networks;
  } docker_;
  std::optional<Error> trouble_;
};

}  // namespace consort::image
