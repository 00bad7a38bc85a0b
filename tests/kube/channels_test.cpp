#include "kube/channels.hpp"

#include <gtest/gtest.h>

#include "kube/pods.hpp"

namespace consort::kube {
namespace {

using Kind = FrameReader::Kind;

std::string frame(unsigned first, std::string_view payload) {
  std::string made(1, static_cast<char>(first));
  if (payload.size() < 126) {
    made += static_cast<char>(payload.size());
  } else {
    made += '\x7e';
    made += static_cast<char>(payload.size() >> 8);
    made += static_cast<char>(payload.size() & 0xFF);
  }
  return made + std::string(payload);
}

TEST(FrameReader, TakesMessagesByteByByte) {
  const std::string bytes = frame(0x82, "\1hello") + frame(0x82, std::string(300, 'x')) + frame(0x89, "are you there");
  FrameReader reader;
  std::vector<FrameReader::Frame> frames;
  for (const char byte : bytes) {
    reader.feed(std::string_view(&byte, 1));
    const auto next = reader.next();
    ASSERT_TRUE(next);
    if (*next) frames.push_back(**next);
  }
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].payload, "\1hello");
  EXPECT_EQ(frames[1].payload.size(), 300U);
  EXPECT_EQ(frames[2].kind, Kind::ping);
}

TEST(FrameReader, JoinsFragments) {
  FrameReader reader;
  reader.feed(frame(0x02, "a") + frame(0x8A, "") + frame(0x00, "b") + frame(0x80, "c") + frame(0x88, ""));
  const auto message = reader.next();
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->payload, "abc");
  const auto end = reader.next();
  ASSERT_TRUE(end && *end);
  EXPECT_EQ((*end)->kind, Kind::closed);
}

TEST(FrameReader, RefusesWhatIsNoFrame) {
  for (const std::string& bytes : {frame(0xC2, "compressed"), std::string("\x82\x81"), frame(0x83, "unknown"),
                                   std::string("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    FrameReader reader;
    reader.feed(bytes);
    EXPECT_FALSE(reader.next());
  }
}

TEST(MakeFrame, MasksWhatAClientSends) {
  EXPECT_EQ(websocket::make_frame(websocket::Opcode::binary, "ab", 0x01020304),
            std::string("\x82\x82\1\2\3\4\x60\x60", 8));
  EXPECT_EQ(websocket::make_frame(websocket::Opcode::binary, std::string(70000, 'x'), 0).size(), 70000U + 14);
}

TEST(ExitCode, IsInTheCauses) {
  EXPECT_EQ(exit_code_of(R"({"metadata":{},"status":"Success"})").value_or(-1), 0);
  EXPECT_EQ(exit_code_of(R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code",)"
                         R"("reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"42"}]}})")
                .value_or(-1),
            42);
  EXPECT_FALSE(exit_code_of(R"({"status":"Failure","reason":"InternalError","message":"no such program"})"));
  EXPECT_FALSE(exit_code_of("nonsense"));
}

TEST(PodState, SaysWhyItDoesNotRun) {
  const auto pulling = pod_state(
      R"({"metadata":{"name":"web-1","uid":"u","labels":{"app.kubernetes.io/name":"web","consort.dev/config":"c"}},)"
      R"("spec":{"containers":[{"name":"web","image":"nowhere/x","readinessProbe":{}}]},"status":{"phase":"Pending",)"
      R"("containerStatuses":[{"name":"web","ready":false,"restartCount":0,"state":{"waiting":)"
      R"({"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}]}})");
  ASSERT_TRUE(pulling);
  EXPECT_TRUE(pulling->probed);
  EXPECT_FALSE(pulling->started());
  EXPECT_EQ(trouble_of(*pulling).value_or(""), "ImagePullBackOff: Back-off pulling image");

  const auto nowhere =
      pod_state(R"({"metadata":{"name":"web-1"},"status":{"phase":"Pending","conditions":[{"type":"PodScheduled",)"
                R"("status":"False","message":"0/1 nodes are available"}]}})");
  ASSERT_TRUE(nowhere);
  EXPECT_EQ(trouble_of(*nowhere).value_or(""), "no node takes it: 0/1 nodes are available");
  EXPECT_FALSE(pod_state("{}"));
}

}  // namespace
}  // namespace consort::kube
