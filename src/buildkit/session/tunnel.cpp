#include "buildkit/session/tunnel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "base/os/sockets/send_full.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

void from_call(Stream& call, int socket) {
  for (;;) {
    const auto message = call.read();
    wire::Bytes bytes;
    if (!message || !*message || !bytes.ParseFromString(**message)) break;
    if (!send_full(socket, bytes.data())) break;
  }
  ::shutdown(socket, SHUT_RDWR);
}

void to_call(Stream& call, int socket, int stop) {
  std::vector<std::byte> buffer(std::size_t{32} << 10);
  for (;;) {
    pollfd polled[2] = {{socket, POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0 && errno != EINTR) break;
    if (polled[1].revents != 0) break;
    if (polled[0].revents == 0) continue;
    const auto got = read_some(socket, buffer);
    if (!got || *got == 0) break;
    wire::Bytes bytes;
    bytes.set_data(buffer.data(), *got);
    if (!call.write(bytes.SerializeAsString())) break;
  }
}

}  // namespace

void tunnel(Stream& call, int socket, int stop) {
  std::thread back;
  try {
    back = std::thread([&] { from_call(call, socket); });
  } catch (const std::system_error&) {
    return call.cancel();
  }
  to_call(call, socket, stop);
  ::shutdown(socket, SHUT_RDWR);
  call.cancel();  // whatever it is waiting for
  back.join();
}

}  // namespace consort::buildkit
