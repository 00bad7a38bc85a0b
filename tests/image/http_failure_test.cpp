// Conclusions from a failed transfer about the requested content.
#include "image/http/http_failure.hpp"

#include <gtest/gtest.h>

namespace consort::image {
namespace {

// Being offline is not an answer: if it counted as "there is no such image", an existing image would not be used.
TEST(HttpFailure, AHostThatCannotBeFoundSaysNothingAboutItsImages) {
  const Url url = Url::parse("https://registry.example/v2/app/manifests/1").value();
  const auto code = [&](CURLcode failure) { return transport_failure({.code = failure}, url, "", 0).error.code(); };
  EXPECT_EQ(code(CURLE_COULDNT_RESOLVE_HOST), Code::io);
  EXPECT_EQ(code(CURLE_COULDNT_CONNECT), Code::io);
}

}  // namespace
}  // namespace consort::image
