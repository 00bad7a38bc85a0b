// A registry that misbehaves on purpose: cuts connections, sends other bytes than it promised, asks for tokens.
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
  std::size_t cut_after = std::string::npos;  // bytes of the body; then the connection is closed
  bool hang = false;                          // never: until the client goes away
  bool chunked = false;                       // without a Content-Length
  std::size_t times = 1;                      // the body again and again; chunked only
};

// What is asked first. It can be replaced while the registry serves: not before the requests under way have their
// answer.
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
  void stop();  // and wait for what is being answered

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  // An image "app:1" of these layer tars; what the manifest says can be changed before it is put together.
  void serve(const std::vector<std::string>& packed_layers, const std::vector<std::string>& plain_layers,
             const std::function<void(Manifest&)>& change = {});
  Reference name() const { return Reference::parse(host() + "/app:1").value(); }

  Interceptor intercept;                         // nullopt goes on to the blobs and manifests below
  std::map<std::string, std::string> blobs;      // digest text -> content
  std::map<std::string, std::string> manifests;  // tag or digest -> content
  std::atomic<std::uint64_t> blob_bytes_sent{0};
  // What was asked so far: "GET /v2/app/manifests/1".
  std::vector<std::string> asked();
  std::size_t count(const std::string& part);  // of what was asked, lines that hold it

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

// A registry of the test's own, and settings that no file of this machine gets into. Root: layers have owners.
class FakeRegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
    registry.docker_config = folder / "config.json";
    registry.registries_conf = folder / "registries.conf";
    registry.docker_daemon = folder / "daemon.json";
    registry.patience = quick_patience();
    configure("");
  }
  // What an interceptor looks at goes before `server` does.
  void TearDown() override { server.stop(); }
  void configure(const std::string& conf) { ASSERT_TRUE(write_file_atomic(registry.registries_conf, conf)); }
  void serve(const std::string& tar, const std::function<void(Manifest&)>& change = {}) {
    packed = gzip(tar);
    server.serve({packed}, {tar}, change);
  }

  TempDir folder;
  TestStore test;
  FakeRegistry server;
  PullOptions options;
  RegistryOptions& registry = options.registry;
  std::string packed;  // the last layer served
};

}  // namespace consort::image
