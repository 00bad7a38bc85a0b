// What a transfer that has failed says about what was asked for.
#include "image/http/http_failure.hpp"

#include <gtest/gtest.h>

namespace consort::image {
namespace {

// Offline is no answer: who takes it for "there is no such image" would not use what was there the last time.
TEST(HttpFailure, AHostThatCannotBeFoundSaysNothingAboutItsImages) {
  const Url url = Url::parse("https://registry.example/v2/app/manifests/1").value();
  const auto code = [&](CURLcode failure) { return transport_failure({.code = failure}, url, "", 0).error.code(); };
  EXPECT_EQ(code(CURLE_COULDNT_RESOLVE_HOST), Code::io);
  EXPECT_EQ(code(CURLE_COULDNT_CONNECT), Code::io);
}

}  // namespace
}  // namespace consort::image
