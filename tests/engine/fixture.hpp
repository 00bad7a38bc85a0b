// An engine in directories of its own, with an image that has only the probe, a passwd file and files to copy up.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "image/config.hpp"
#include "image/store.hpp"

namespace consort::engine {

class EngineTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A container with "probe" verbs as the command, and the test's project and name.
  ContainerSpec probe(const Strings& words);
  std::string create(const ContainerSpec& spec);
  // Runs it to completion and returns its output.
  std::string run(const ContainerSpec& spec, int expected_code = 0);
  std::string output_of(const std::string& id);
  std::string exec(const std::string& id, const ExecSpec& spec, int expected_code = 0);
  // Another engine on the same directories, like another process as far as the database is concerned.
  std::unique_ptr<Engine> second_engine();

  Engine& engine() { return *engine_; }
  const Roots& roots() const { return roots_; }

  static constexpr const char* image_name = "probe:1";
  std::string project_;

 private:
  void make_image();
  // What this test's containers have left on the host: mounts, links, cgroups, processes.
  std::string leftovers() const;
  std::string directory_;
  Roots roots_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> ids_, bridges_;
};

template <typename T>
std::string message_of(const Result<T>& result) {
  return result ? "(no error)" : result.error().message();
}

}  // namespace consort::engine
