// A registry that misbehaves on purpose: closes connections, sends wrong bytes, requests tokens.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "image/registry/manifest.hpp"
#include "support.hpp"

namespace consort::image {

struct FakeRequest {
  std::string method, path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct FakeAnswer {
  int status = 200;
  std::vector<std::string> headers;
  std::string body;
  std::size_t cut_after = std::string::npos;  // bytes of the body before the connection is closed
  bool hang = false;                          // never closes: until the client disconnects
  bool chunked = false;                       // without a Content-Length
  std::size_t times = 1;                      // how often to send the body; chunked only
};

// Called first for each request. It can be replaced while the registry serves, once pending requests are answered.
class Interceptor {
 public:
  using Function = std::function<std::optional<FakeAnswer>(const FakeRequest&)>;
  Interceptor& operator=(Function function) {
    const std::unique_lock lock(mutex_);
    function_ = std::move(function);
    return *this;
  }
  std::optional<FakeAnswer> operator()(const FakeRequest& request) const {
    const std::shared_lock lock(mutex_);
    return function_ ? function_(request) : std::nullopt;
  }

 private:
  mutable std::shared_mutex mutex_;
  Function function_;
};

class FakeRegistry {
 public:
  FakeRegistry();
  ~FakeRegistry() { stop(); }
  void stop();  // also waits for pending requests

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  // Serves an image "app:1" with these layer tars; `change` can modify the manifest before it is assembled.
  void serve(const std::vector<std::string>& packed_layers, const std::vector<std::string>& plain_layers,
             const std::function<void(Manifest&)>& change = {});
  Reference name() const { return Reference::parse(host() + "/app:1").value(); }

  Interceptor intercept;                         // nullopt: use the blobs and manifests below
  std::map<std::string, std::string> blobs;      // digest text -> content
  std::map<std::string, std::string> manifests;  // tag or digest -> content
  std::atomic<std::uint64_t> blob_bytes_sent{0};
  // The requests so far: "GET /v2/app/manifests/1".
  std::vector<std::string> asked();
  std::size_t count(const std::string& part);  // of the requests, those that contain it

 private:
  void run();
  void handle(int connection);
  FakeAnswer answer(const FakeRequest& request);

  Fd listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

// A registry for one test, with settings independent of this machine's files. Needs root: layers have owners.
class FakeRegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
    registry.docker_config = directory / "config.json";
    registry.registries_conf = directory / "registries.conf";
    registry.docker_daemon = directory / "daemon.json";
    registry.patience = quick_patience();
    configure("");
  }
  // Members of a derived test, which an interceptor may use, are destroyed before `server`.
  void TearDown() override { server.stop(); }
  void configure(const std::string& conf) { ASSERT_TRUE(write_file_atomic(registry.registries_conf, conf)); }
  void serve(const std::string& tar, const std::function<void(Manifest&)>& change = {}) {
    packed = gzip(tar);
    server.serve({packed}, {tar}, change);
  }

  TempDir directory;
  TestStore test;
  FakeRegistry server;
  PullOptions options;
  RegistryOptions& registry = options.registry;
  std::string packed;  // the last layer served
};

}  // namespace consort::image
