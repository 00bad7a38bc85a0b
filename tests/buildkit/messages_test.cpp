#include <gtest/gtest.h>

#include "buildkit/rpc/messages.hpp"
#include "buildkit/rpc/status.hpp"

namespace consort::buildkit {
namespace {

TEST(RpcMessages, AreTheSameInWhateverPiecesTheyCome) {
  const std::string bytes = framed("hello") + framed("") + framed(std::string(70'000, 'x'));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    MessageReader reader;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.add(std::string_view(bytes).substr(at, piece));
      for (auto next = reader.next(); *next; next = reader.next()) got.push_back(**next);
    }
    ASSERT_EQ(got.size(), 3U) << piece;
    EXPECT_EQ(got[0], "hello");
    EXPECT_EQ(got[1], "");
    EXPECT_EQ(got[2], std::string(70'000, 'x'));
    EXPECT_TRUE(reader.empty());
  }
}

TEST(RpcMessages, RefuseWhatIsTooLongAsSoonAsItsLengthIsKnown) {
  MessageReader reader(100);
  reader.add(framed(std::string(101, 'x')).substr(0, 5));
  EXPECT_FALSE(reader.next());
  MessageReader compressed;
  compressed.add(std::string_view("\1", 1));
  EXPECT_FALSE(compressed.next());
}

TEST(RpcStatus, MessagesSurviveTheHeaderTheyTravelIn) {
  const std::string text = "100% of \"zürich\"\nfailed";
  const std::string header = encode_grpc_message(text);
  EXPECT_EQ(header, "100%25 of \"z%C3%BCrich\"%0Afailed");
  EXPECT_EQ(decode_grpc_message(header), text);
  EXPECT_EQ(decode_grpc_message("50%"), "50%");
  EXPECT_EQ(decode_grpc_message("%zz"), "%zz");
  EXPECT_EQ(encode_base64("a"), "YQ==");
  EXPECT_EQ(encode_base64("abc"), "YWJj");
}

}  // namespace
}  // namespace consort::buildkit
