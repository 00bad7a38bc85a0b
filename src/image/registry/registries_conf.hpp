// containers-registries.conf(5), version 2: the locations that a name is fetched from.
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
  std::string repository;  // "library/postgres", prefixed with the mirror's path
  bool insecure = false;   // accept unverified TLS, then try plain HTTP
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
  // Reads `file` or, if it is "", the first existing one of $CONTAINERS_REGISTRIES_CONF,
  // ~/.config/containers/registries.conf and /etc/containers/registries.conf, then the *.conf files in the
  // registries.conf.d directory next to either of the latter two. docker_daemon: Docker's daemon settings ("":
  // /etc/docker/daemon.json), for what these files do not say.
  static Result<RegistriesConf> load(const std::string& file, const std::string& docker_daemon);
  // Adds one file's text; source names it in errors. Later rules for the same prefix replace earlier ones.
  Result<> add(std::string_view text, const std::string& source);
  void add_insecure(const std::string& host);
  // registry-mirrors applies if there is no rule for Docker Hub, insecure-registries to hosts without a rule. Networks
  // in it match IP addresses only; host names are not resolved.
  Result<> add_docker_daemon(std::string_view json, const std::string& source);
  // What is wrong with Docker's file, which is not a reason to stop.
  const std::optional<Error>& trouble() const { return trouble_; }

  // Locations in the order to try them, mirrors first. Blocked: Code::denied.
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
