// A fixture with one sandbox: skips if containers cannot be started, and checks that the host looks as before
// afterwards.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "sandbox.hpp"

namespace consort::runtime {

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = Sandbox::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    before_ = host_traces();
  }
  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(host_traces(), before_) << "something was left behind";
    }
  }

  static Running start(Sandbox& where, const Spec& spec) {
    Result<Running> running = Running::start(where, spec, where.options());
    if (!running) throw std::runtime_error(running.error().message());
    return std::move(*running);
  }

  Sandbox sandbox;

 private:
  std::string before_;
};

}  // namespace consort::runtime
