#include "host_fixture.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "../facilities.hpp"
#include "network/address.hpp"

namespace consort::test {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const std::string& text, std::uint16_t port) {
  SocketAddress result;
  const Address address = Address::parse(text).value();
  if (address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, address.data(), 4);
    result.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    std::memcpy(&v6->sin6_addr, address.data(), 16);
    result.size = sizeof *v6;
  }
  return result;
}

std::string name_of(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
  else
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text, sizeof text);
  return text;
}

std::string error_text(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

enum class Until { end, first_piece };

std::string ask(int type, const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms,
                Until until) {
  const SocketAddress to = socket_address(address, port);
  const Fd fd(::socket(to.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 && errno != EINPROGRESS)
    return error_text("connect");
  pollfd poll{fd.get(), POLLOUT, 0};
  if (::poll(&poll, 1, timeout_ms) != 1) return "connect: timeout";
  if (::send(fd.get(), say.data(), say.size(), MSG_NOSIGNAL) < 0) return error_text("send");
  if (type == SOCK_STREAM && until == Until::end) ::shutdown(fd.get(), SHUT_WR);
  std::string all;
  while (true) {
    poll.events = POLLIN;
    if (::poll(&poll, 1, timeout_ms) != 1) return "receive: timeout after '" + all + "'";
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return error_text("receive");
    all.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || until == Until::first_piece) return all;
  }
}

}  // namespace

std::string tcp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms) {
  return ask(SOCK_STREAM, address, port, say, timeout_ms, Until::end);
}

std::string tcp_exchange(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms) {
  return ask(SOCK_STREAM, address, port, say, timeout_ms, Until::first_piece);
}

std::string udp_ask_from(int fd, const std::string& address, std::uint16_t port, const std::string& say,
                         int timeout_ms) {
  const SocketAddress to = socket_address(address, port);
  if (::sendto(fd, say.data(), say.size(), 0, reinterpret_cast<const sockaddr*>(&to.storage), to.size) < 0)
    return error_text("send");
  pollfd poll{fd, POLLIN, 0};
  if (::poll(&poll, 1, timeout_ms) != 1) return "receive: timeout";
  std::array<char, 4096> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  return got < 0 ? error_text("receive") : std::string(buffer.data(), static_cast<std::size_t>(got));
}

std::string udp_ask(const std::string& address, std::uint16_t port, const std::string& say, int timeout_ms) {
  return ask(SOCK_DGRAM, address, port, say, timeout_ms, Until::first_piece);
}

void tcp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready) {
  const SocketAddress at = socket_address(address, port);
  const Fd listener(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0 ||
      ::listen(listener.get(), 128) != 0)
    ::_exit(9);
  ready();
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const Fd fd(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    if (!fd) continue;
    const Result<std::string> got = read_all(fd.get(), 1 << 20);
    (void)write_full(fd.get(), name + " from " + name_of(peer) + ": " + got.value_or("nothing"));
  }
}

namespace {

void udp_loop(const std::string& address, std::uint16_t port, const std::function<void()>& ready,
              const std::function<std::string(const std::string&, const std::string&)>& answer) {
  const SocketAddress at = socket_address(address, port);
  const Fd fd(::socket(at.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0) ::_exit(9);
  ready();
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    std::array<char, 4096> buffer;
    const ssize_t got =
        ::recvfrom(fd.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 0) continue;
    const std::string text = answer(name_of(peer), std::string(buffer.data(), static_cast<std::size_t>(got)));
    if (!text.empty()) ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
  }
}

}  // namespace

void udp_serve(const std::string& address, std::uint16_t port, const std::string& name,
               const std::function<void()>& ready) {
  udp_loop(address, port, ready,
           [&](const std::string& peer, const std::string& got) { return name + " from " + peer + ": " + got; });
}

void udp_answer(const std::string& address, std::uint16_t port, const std::function<void()>& ready,
                const std::function<std::string(const std::string&)>& answer) {
  udp_loop(address, port, ready,
           [&](const std::string&, const std::string& got) { return answer ? answer(got) : std::string(); });
}

std::string HostTest::shell(const std::string& command) {
  auto done = run_and_capture({.argv = {"/bin/sh", "-c", command}});
  if (!done) return done.error().message();
  // `ip link` asks the kernel about each name in /run/netns, and prints this for a name that is not a network namespace
  // here: one that another process is creating or removing, or that belongs to another mount namespace. It continues,
  // and the rest of its output is unaffected.
  const std::string_view of_others = "Error: Peer netns reference is invalid.\n";
  for (std::size_t at = 0; (at = done->err.find(of_others)) != std::string::npos;)
    done->err.erase(at, of_others.size());
  return done->out + done->err;
}

void HostTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
  if (const std::string reason = why_no_firewall(); !reason.empty()) GTEST_SKIP() << reason;
  home_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network namespaces here: " << std::strerror(errno);
  outside_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const std::string out = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(outside_.get());
  const std::string said = shell(
      "ip link set lo up && ip link add eth0 type veth peer name eth0 netns " + out +
      " && ip addr add 198.51.100.2/24 dev eth0 && ip -6 addr add fd00:51::2/64 dev eth0 nodad && ip link set eth0 up"
      " && ip route add default via 198.51.100.1 && nsenter --net=" +
      out +
      " sh -c 'ip link set lo up; ip addr add 198.51.100.1/24 dev eth0; ip -6 addr add fd00:51::1/64 dev eth0 nodad;"
      " ip link set eth0 up';"
      // The kernel reports the carrier a little later, and tests compare the output of ip.
      " for i in $(seq 200); do ip -o link show eth0 | grep -q 'state UP' && break; sleep 0.01; done");
  ASSERT_EQ(said, "");
}

void HostTest::TearDown() {
  if (!home_) return;
  EXPECT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
}

int HostTest::run_in(int netns, const std::function<int()>& action) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(netns >= 0 && ::setns(netns, CLONE_NEWNET) != 0 ? 99 : action());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string HostTest::ask_in(int netns, const std::function<std::string()>& action) {
  auto pipe = make_pipe().value();
  run_in(netns, [&] {
    (void)write_full(pipe.write.get(), action());
    return 0;
  });
  pipe.write.reset();
  return read_all(pipe.read.get(), 1 << 20).value_or("?");
}

ChildGuard HostTest::start_in(int netns, const std::function<void(const std::function<void()>&)>& action) {
  auto pipe = make_pipe().value();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::setns(netns, CLONE_NEWNET) != 0) ::_exit(99);
    action([&] { (void)write_full(pipe.write.get(), "r"); });
    ::_exit(0);
  }
  pipe.write.reset();
  std::array<std::byte, 1> byte;
  EXPECT_EQ(read_full(pipe.read.get(), byte).value_or(0), 1u) << "the server did not start";
  return ChildGuard(pid);
}

BridgeNetwork HostTest::network(int second, bool internal) {
  const std::string base = "172." + std::to_string(second) + ".0.";
  BridgeNetwork network;
  network.network_id = std::string(10, 'a') + std::to_string(second) + std::string(52, 'b');
  network.name = "net" + std::to_string(second);
  network.bridge = bridge_name(network.network_id);
  network.addresses = {{Subnet::parse(base + "0/16").value(), Address::parse(base + "1").value()}};
  network.internal = internal;
  return network;
}

Endpoint HostTest::endpoint(const BridgeNetwork& network, int last, const std::string& ifname) {
  Endpoint endpoint;
  endpoint.network_id = network.network_id;
  endpoint.network_name = network.name;
  endpoint.bridge = network.bridge;
  endpoint.ifname = ifname;
  endpoint.internal = network.internal;
  endpoint.default_route = ifname == "eth0";
  for (const BridgeAddress& address : network.addresses) {
    const InterfaceAddress own{address.subnet.base().plus(static_cast<std::uint64_t>(last)), address.subnet.prefix()};
    (address.gateway.is_v4() ? endpoint.ipv4 : endpoint.ipv6) = own;
    (address.gateway.is_v4() ? endpoint.gateway4 : endpoint.gateway6) = address.gateway;
  }
  return endpoint;
}

}  // namespace consort::test
