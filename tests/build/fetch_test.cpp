#include "build/exec/fetch.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

// The server never answers, and the waiting client is cancelled.
TEST(Fetch, IsEndedThoughTheServerSaysNothing) {
  const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(server.get(), 1), 0);
  ASSERT_EQ(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  const std::string directory = testing::TempDir() + "consort-fetch-" + std::to_string(::getpid());
  std::optional<Result<Fetched>> fetched;
  Fd client;  // stays open until the download is over
  {
    const std::jthread waiter([&] {
      const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(name.sin_port)) + "/x";
      fetched = fetch_url(url, {}, directory, stop.get());
    });
    client.reset(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char asked = 0;
    EXPECT_EQ(::read(client.get(), &asked, 1), 1);
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  (void)remove_tree(directory);
  ASSERT_TRUE(fetched && !*fetched);
  EXPECT_EQ(fetched->error().code(), Code::interrupted);
}

}  // namespace
}  // namespace consort::build
