// Replays bytes that buildx 0.29.1 sent on a connection: HTTP/2 as Go's library writes it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>

#include "buildkit/rpc/connection.hpp"
#include "control.pb.h"

namespace consort::buildkit {
namespace {

// Preface, settings, ListWorkers (HPACK with indexed names), a window update, a ping.
constexpr std::string_view list_workers =
    "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a0000000400000000000000000401000000000000910104000000018386459b"
    "6293c7e978ed3512753257ee15ef1ea4d87a18ce642791ecea5b114186a0e41d139d095f8b1d75d0620d263d4c4d65647a8a9acac8b4c7"
    "602bbc15c340027465864d833505b11f408e9acac8b0c842d6958b510f21aa9b839bd9ab40884d83216b1d85a93fa700166cb238476476"
    "32b638e5148f3e195a1b6d9656c206de7167a50cb20c51900d38223722c00f000005000100000001000000000000000408000000000000"
    "00019e00000806000000000002041010090e0707";

std::string bytes_of(std::string_view hex) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>((value(hex[i]) << 4) | value(hex[i + 1]));
  return bytes;
}

TEST(Replay, ListWorkersAsBuildxAsksForThem) {
  auto sockets = make_socket_pair(SOCK_STREAM);
  ASSERT_TRUE(sockets);
  std::mutex mutex;
  std::string asked;
  {
    const auto server = Connection::start(std::move(sockets->first), bytes_of(list_workers), Connection::Role::server,
                                          [&](Stream& call) {
                                            const auto message = call.read();
                                            const std::scoped_lock lock(mutex);
                                            if (message && *message) asked = call.path() + " " + **message;
                                            (void)call.write("answer");
                                            call.finish({});
                                          });
    ASSERT_TRUE(server);
    std::string sent;
    while (sent.find("answer") == std::string::npos) {
      std::vector<std::byte> buffer(4096);
      const auto got = read_some(sockets->second.get(), buffer);
      ASSERT_TRUE(got && *got > 0);
      sent.append(reinterpret_cast<const char*>(buffer.data()), *got);
    }
  }
  EXPECT_EQ(asked, "/moby.buildkit.v1.Control/ListWorkers ");
}

// prune --filter id~==none --reserved-space 1mb --max-used-space 2mb --min-free-space 3mb
TEST(Replay, PruneAsBuildxAsksForIt) {
  wire::PruneRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes_of("0a0969647e3d3d6e6f6e65208080402880808001308080c001")));
  ASSERT_EQ(request.filter_size(), 1);
  EXPECT_EQ(request.filter(0), "id~==none");
  EXPECT_EQ(request.reserved_space(), 1 << 20);
  EXPECT_EQ(request.max_used_space(), 2 << 20);
  EXPECT_EQ(request.min_free_space(), 3 << 20);
}

}  // namespace
}  // namespace consort::buildkit
