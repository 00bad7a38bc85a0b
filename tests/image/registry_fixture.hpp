// A real registry (Debian's docker-registry) on a free loopback port for the duration of one test.
#pragma once

#include <optional>
#include <string>

#include "base/os/processes/process.hpp"
#include "support.hpp"

namespace consort::image {

struct RegistrySettings {
  bool tls = false;       // certificate from its own authority: see RegistryServer::certificates()
  bool password = false;  // user "tester", password "secret"
  bool expired = false;   // the certificate expired yesterday
  std::string storage;    // "http://HOST": blobs are redirected there, to their paths below data()
};

class RegistryServer {
 public:
  // nullopt if docker-registry is not installed.
  static std::optional<RegistryServer> start(const RegistrySettings& settings = {});

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string data() const { return directory_->path() + "/data"; }
  // A directory like /etc/docker/certs.d: HOST/ca.crt.
  std::string certificates() const { return directory_->path() + "/certs.d"; }
  // A registries.conf that makes it a mirror of Docker Hub.
  std::string mirror_conf() const;

 private:
  RegistryServer() = default;
  std::unique_ptr<TempDir> directory_ = std::make_unique<TempDir>();
  int port_ = 0;
  ChildGuard process_;
};

int free_port();
// Waits until something listens there; false after ten seconds.
bool wait_for_port(int port);

}  // namespace consort::image
