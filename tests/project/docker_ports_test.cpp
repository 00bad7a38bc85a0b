// The ports that a Docker daemon reports.
#include "project/exec/docker_ports.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/os/fd.hpp"
#include "base/os/sockets/unix_socket.hpp"

namespace consort::project::test {
namespace {

// Imitates a daemon that answers once.
std::optional<std::string> with_docker(const std::string& answer, std::uint16_t port, const std::string& protocol) {
  const std::string path = testing::TempDir() + "/docker-ports-" + std::to_string(::getpid()) + ".sock";
  ::unlink(path.c_str());
  const UnixAddress address = unix_address(path).value();
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  std::thread daemon([&] {
    const Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char request[512];
    (void)!::read(client.get(), request, sizeof request);
    (void)!::write(client.get(), answer.data(), answer.size());
  });
  const auto found = docker_container_at(port, protocol, path);
  daemon.join();
  ::unlink(path.c_str());
  return found;
}

TEST(DockerPorts, AContainerIsFoundByThePortThatItPublishes) {
  const std::string answer =
      "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
      R"([{"Names":["/other"],"Ports":[{"PrivatePort":80,"PublicPort":8081,"Type":"tcp"}]},)"
      R"({"Names":["/shop-web-1"],"Ports":[{"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]}])";
  EXPECT_EQ(with_docker(answer, 8080, "tcp"), "shop-web-1");
  EXPECT_EQ(with_docker(answer, 8080, "udp"), std::nullopt);
  EXPECT_EQ(with_docker("HTTP/1.0 500 Oops\r\n\r\nno", 8080, "tcp"), std::nullopt);
  EXPECT_EQ(docker_container_at(8080, "tcp", "/no/such/socket"), std::nullopt);
}

}  // namespace
}  // namespace consort::project::test
