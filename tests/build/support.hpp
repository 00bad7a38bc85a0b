// A store with the small base image bb:1, for tests that build.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <string>

#include "../facilities.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "build/build.hpp"
#include "image/store.hpp"
#include "image/transfer.hpp"

namespace consort::build::test {

inline std::string data_file(const std::string& name) {
  return std::string(CONSORT_TEST_DATA) + "/" + name;
}

inline std::string make_temporary_directory() {
  std::string path = "/var/tmp/consort-build-test-XXXXXX";
  if (!::mkdtemp(path.data())) ADD_FAILURE() << "mkdtemp";
  return path;
}

inline Result<> run_script(const std::string& path, std::vector<std::string> environment) {
  SpawnOptions options;
  options.argv = {"sh", "-ec", TRY(read_file(path))};
  options.environment = std::move(environment);
  options.environment.push_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
  const Captured done = TRY(run_and_capture(std::move(options)));
  if (!done.status.success()) return fail(Error(Code::io, "run").on(path).why(done.err));
  return {};
}

class World {
 public:
  // Null if the machine does not support it; `why` has the reason.
  static std::unique_ptr<World> make(std::string& why) {
    why = consort::test::why_no_containers();
    if (!why.empty()) return nullptr;
    auto world = std::unique_ptr<World>(new World);
    world->directory_ = make_temporary_directory();
    world->roots_ = {world->directory_ + "/data", world->directory_ + "/run"};
    const std::string tar = world->directory_ + "/base.tar";
    auto made = run_script(data_file("make-base"), {"OUT=" + tar});
    if (!made) {
      why = "needs busybox-static: " + made.error().message();
      return nullptr;
    }
    auto ready = world->prepare(tar);
    if (!ready) {
      ADD_FAILURE() << ready.error().message();
      return nullptr;
    }
    return world;
  }
  ~World() {
    store_.reset();
    (void)remove_tree(directory_);
  }

  image::Store& store() { return *store_; }
  const Roots& roots() const { return roots_; }
  const std::string& directory() const { return directory_; }
  std::string new_directory() {
    const std::string path = directory_ + "/context-" + std::to_string(++counter_);
    EXPECT_TRUE(make_directories(path));
    return path;
  }
  void write(const std::string& path, const std::string& content) {
    EXPECT_TRUE(make_directories(dir_name(path)));
    std::ofstream(path, std::ios::binary) << content;
  }

  BuildEnvironment environment() {
    BuildEnvironment environment{.store = *store_, .roots = roots_, .pull = {}};
    environment.progress = [this](const ProgressEvent& event) {
      if (event.state == StepState::output) output += event.output;
      if (event.state == StepState::cached) cached.push_back(event.text);
      if (event.state == StepState::done) built.push_back(event.text);
    };
    environment.failed = [this](const StepFailure& failure) { failures.push_back(failure); };
    environment.cancel_fd = cancel_fd;
    return environment;
  }
  Result<BuildResult> build(const BuildRequest& request) {
    output.clear();
    cached.clear();
    built.clear();
    failures.clear();
    auto env = environment();
    return build::build(request, env);
  }
  Result<BuildResult> build_text(const std::string& dockerfile, const std::string& context = {}) {
    BuildRequest request;
    request.dockerfile_inline = dockerfile;
    request.context = context;
    return build(request);
  }

  std::string output;
  std::vector<std::string> cached, built;
  std::vector<StepFailure> failures;
  int cancel_fd = -1;

 private:
  World() = default;
  Result<> prepare(const std::string& tar) {
    TRY(roots_.prepare());
    store_ = std::make_unique<image::Store>(TRY(image::Store::open(roots_)));
    image::ImportOptions options;
    options.names.push_back(TRY(image::Reference::parse("bb:1")));
    options.comment = "Imported from -";
    const Fd in = TRY(open_file(tar, O_RDONLY));
    TRY(image::import_rootfs(*store_, in.get(), options));
    return {};
  }
  std::string directory_;
  Roots roots_;
  std::unique_ptr<image::Store> store_;
  int counter_ = 0;
};

}  // namespace consort::build::test
