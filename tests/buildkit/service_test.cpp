// Builds as clients request them: both connections, the client's files, and the results that it receives.
#include "buildkit/service.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "bridge.pb.h"
#include "buildkit/rpc/connection.hpp"
#include "buildkit/solve/inputs.hpp"
#include "control.pb.h"
#include "engine/engine.hpp"
#include "engine/images.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

using FileTree = std::map<std::string, std::string>;

// Sends files like BuildKit's clients, without the features that the tests do not need.
void send_tree(Stream& call, const FileTree& files) {
  std::vector<std::string> contents;
  for (const auto& [path, content] : files) {
    wire::Packet packet;
    packet.mutable_stat()->set_path(path);
    packet.mutable_stat()->set_mode(0644);
    packet.mutable_stat()->set_size(static_cast<std::int64_t>(content.size()));
    contents.push_back(content);
    (void)call.write(packet.SerializeAsString());
  }
  (void)call.write("");
  for (auto message = call.read(); message && *message; message = call.read()) {
    wire::Packet packet;
    packet.ParseFromString(**message);
    if (packet.type() == wire::Packet::REQ) {
      packet.set_type(wire::Packet::DATA);
      packet.set_data(contents.at(packet.id()));
      (void)call.write(packet.SerializeAsString());
      packet.clear_data();
    }
    (void)call.write(packet.SerializeAsString());
    if (packet.type() == wire::Packet::FIN) break;
  }
  call.finish({});
}

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "a build needs root";
    std::string path = testing::TempDir() + "/buildkit-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    base_ = path;
    const Roots roots{base_ + "/data", base_ + "/run"};
    ASSERT_TRUE(roots.prepare());
    auto engine = engine::Engine::open(roots);
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = std::move(*engine);
    service_ = std::make_unique<Service>(*engine_);
    auto control = make_socket_pair(SOCK_STREAM), session = make_socket_pair(SOCK_STREAM);
    ASSERT_TRUE(control && session);
    threads_.emplace_back([this, socket = std::move(control->first)]() mutable {
      EXPECT_TRUE(service_->serve_control(std::move(socket), {}));
    });
    threads_.emplace_back([this, socket = std::move(session->first)]() mutable {
      EXPECT_TRUE(service_->serve_session(
          std::move(socket), {},
          {.id = "s1", .methods = {"/moby.filesync.v1.FileSync/DiffCopy", "/moby.filesync.v1.FileSend/DiffCopy"}}));
    });
    control_ = std::move(*Connection::start(std::move(control->second), {}, Connection::Role::client));
    session_ = std::move(*Connection::start(std::move(session->second), {}, Connection::Role::server,
                                            [this](Stream& call) { answer(call); }));
  }

  void TearDown() override {
    if (service_) service_->stop();
    for (std::thread& thread : threads_) thread.join();
    control_.reset();
    session_.reset();
    service_.reset();
    engine_.reset();
    if (!base_.empty()) (void)remove_tree(base_);
  }

  void answer(Stream& call) {
    if (call.path() == "/moby.filesync.v1.FileSend/DiffCopy") {
      for (auto message = call.read(); message && *message; message = call.read()) {
        wire::Bytes bytes;
        bytes.ParseFromString(**message);
        const std::scoped_lock lock(mutex_);
        archive_ += bytes.data();
      }
      return call.finish({});
    }
    const std::string directory = call.header("dir-name");
    {
      const std::scoped_lock lock(mutex_);
      asked_ += directory + ":" + call.header("followpaths") + " ";
    }
    if (goes_) return session_->close();
    if (directory == "dockerfile") return send_tree(call, {{"Dockerfile", dockerfile_}});
    if (call.header("followpaths") == ".dockerignore") return send_tree(call, {});
    send_tree(call, context_);
  }

  wire::SolveRequest request(const std::string& exporter, const std::string& name = {}) const {
    wire::SolveRequest request;
    request.set_ref("build1");
    request.set_session("s1");
    request.set_frontend("dockerfile.v0");
    (*request.mutable_frontend_attrs())["filename"] = "Dockerfile";
    (*request.mutable_frontend_attrs())["label:a"] = "b";
    wire::Exporter& out = *request.add_exporters();
    out.set_type(exporter);
    if (!name.empty()) (*out.mutable_attrs())["name"] = name;
    return request;
  }

  Result<wire::SolveResponse> solve(const wire::SolveRequest& request) {
    wire::SolveResponse response;
    response.ParseFromString(TRY(control_->ask("/moby.buildkit.v1.Control/Solve", request.SerializeAsString())));
    return response;
  }

  // Acts as a client that drives the build itself. Returns the id of the result, "" if there is none.
  std::string build_at_bridge(const std::string& reference, const std::string& name, wire::BridgeSolveRequest inner) {
    wire::SolveRequest outer = request("moby", name);
    outer.set_ref(reference);
    outer.clear_frontend();
    outer.clear_frontend_attrs();
    inner.set_frontend("dockerfile.v0");
    std::string made;
    std::thread bridge([&] {
      const Headers headers{{"buildkit-controlapi-buildid", reference}};
      const auto answer =
          control_->ask("/moby.buildkit.v1.frontend.LLBBridge/Solve", inner.SerializeAsString(), headers);
      ASSERT_TRUE(answer) << answer.error().message();
      wire::BridgeSolveResponse solved;
      ASSERT_TRUE(solved.ParseFromString(*answer));
      made = result_of(solved.result());
      wire::ReturnRequest back;
      *back.mutable_result() = solved.result();
      ASSERT_TRUE(control_->ask("/moby.buildkit.v1.frontend.LLBBridge/Return", back.SerializeAsString(), headers));
    });
    const auto response = solve(outer);
    bridge.join();
    EXPECT_TRUE(response) << response.error().message();
    return response ? made : "";
  }

  // The content of the status stream: the names of steps with their states.
  std::string progress() {
    wire::StatusRequest request;
    request.set_ref("build1");
    const auto call = control_->call("/moby.buildkit.v1.Control/Status");
    if (!call) return "no call";
    (void)(*call)->write(request.SerializeAsString());
    (*call)->close_send();
    std::string said;
    for (auto message = (*call)->read(); message && *message; message = (*call)->read()) {
      wire::StatusResponse status;
      status.ParseFromString(**message);
      for (const wire::Vertex& vertex : status.vertexes())
        if (vertex.has_completed()) said += vertex.name() + (vertex.error().empty() ? "" : " FAILED") + "\n";
    }
    return said;
  }

  std::string base_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Service> service_;
  std::vector<std::thread> threads_;
  std::unique_ptr<Connection> control_, session_;
  std::string dockerfile_ = "FROM scratch\nCOPY f /d/f\n";
  FileTree context_{{"f", "hello"}};
  std::mutex mutex_;
  std::string archive_, asked_;
  bool goes_ = false;
};

TEST_F(ServiceTest, ADockerfileBecomesANamedImage) {
  const auto response = solve(request("moby", "example/x:1"));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->exporter_response().at("image.name"), "docker.io/example/x:1");
  const auto image = engine_->images().find("example/x:1");
  ASSERT_TRUE(image);
  EXPECT_EQ(response->exporter_response().at("containerimage.config.digest"), image->id);
  EXPECT_EQ(engine_->images().config_of(*image)->labels.at("a"), "b");
  EXPECT_EQ(progress(),
            "[internal] load build definition from Dockerfile\n"
            "[internal] load .dockerignore\n"
            "[internal] load build context\n"
            "[1/1] COPY f /d/f\n"
            "exporting to image\n");
  EXPECT_EQ(asked_, "dockerfile:Dockerfile context:.dockerignore context:f ");
  EXPECT_TRUE(list_directory(base_ + "/data/build/passing")->empty());
}

TEST_F(ServiceTest, AClientDrivesItsBuildAtTheBridge) {
  wire::BridgeSolveRequest inner;
  (*inner.mutable_frontend_opt())["filename"] = "Dockerfile";
  EXPECT_NE(build_at_bridge("build1", "example/y", inner), "");
  EXPECT_TRUE(engine_->images().find("example/y"));
}

// buildx sends only the reserved size to a server that does not announce support for the others.
TEST_F(ServiceTest, SizesOfThePrunedCacheAreKnown) {
  wire::Pong pong;
  ASSERT_TRUE(pong.ParseFromString(control_->ask("/moby.buildkit.v1.frontend.LLBBridge/Ping", "").value()));
  EXPECT_TRUE(std::ranges::any_of(pong.llb_caps(), [](const wire::Capability& capability) {
    return capability.id() == "gc.freespacefilter" && capability.enabled();
  }));
}

// The client of bake's first target, and with it its files, may be gone by then.
TEST_F(ServiceTest, WhatAnotherBuildMadeIsNotBuiltAgain) {
  wire::BridgeSolveRequest inner;
  (*inner.mutable_frontend_opt())["filename"] = "Dockerfile";
  const std::string first = build_at_bridge("build1", "example/first", inner);
  const std::string asked = asked_;
  dockerfile_ = "FROM base\n";
  (*inner.mutable_frontend_opt())["context:base"] = "input:base";
  (*inner.mutable_frontend_inputs())["base"] = definition_of({"build1", first});
  build_at_bridge("build2", "example/second", inner);
  const auto image = engine_->images().find("example/second");
  ASSERT_TRUE(image);
  EXPECT_EQ(asked_, asked + "dockerfile:Dockerfile context:.dockerignore ");
}

TEST_F(ServiceTest, AnArchiveOfTheFilesGoesToTheClientAndNoImageStays) {
  const auto response = solve(request("tar"));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_NE(archive_.find("hello"), std::string::npos);
  EXPECT_EQ(archive_.size() % 512, 0U);
  EXPECT_TRUE(engine_->images().list()->empty());
}

TEST_F(ServiceTest, WhatIsWrongIsToldWithItsPlace) {
  dockerfile_ = "FROM scratch\nCOPY nothing /\n";
  const auto response = solve(request("moby", "example/z"));
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().message().find("\"/nothing\": not found"), std::string::npos)
      << response.error().message();
  EXPECT_FALSE(engine_->images().find("example/z"));
  EXPECT_NE(progress().find("COPY nothing / FAILED"), std::string::npos);
}

TEST_F(ServiceTest, AClientThatGoesTakesItsBuildWithIt) {
  goes_ = true;
  const auto response = solve(request("moby", "example/w"));
  ASSERT_FALSE(response);
  EXPECT_FALSE(engine_->images().find("example/w"));
}

TEST_F(ServiceTest, AFileNameLeadsNowhereElse) {
  ASSERT_TRUE(make_directories(base_ + "/data/build"));
  ASSERT_TRUE(write_file_atomic(base_ + "/data/build/Dockerfile", "FROM scratch\nCOPY f /stolen\n"));
  wire::SolveRequest bad = request("tar");
  (*bad.mutable_frontend_attrs())["filename"] = "../../Dockerfile";
  const auto response = solve(bad);  // it is the client's own Dockerfile, in the client's own directory
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(archive_.find("stolen"), std::string::npos);
}

TEST_F(ServiceTest, NobodyGetsAllRightsOverTheMachine) {
  wire::SolveRequest bad = request("moby", "example/u");
  bad.add_entitlements("security.insecure");
  const auto response = solve(bad);
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().message().find("security.insecure is not allowed"), std::string::npos);
}

}  // namespace
}  // namespace consort::buildkit
