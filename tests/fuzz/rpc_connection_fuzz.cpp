// Bytes that a client sends on a connection after POST /grpc (first byte even), or in answer to our calls on its
// session (odd): HTTP/2 frames with gRPC messages in them.
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "buildkit/rpc/connection.hpp"
#include "buildkit/rpc/messages.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  auto sockets = make_socket_pair(SOCK_STREAM);
  if (!sockets) return 0;
  const bool server = data[0] % 2 == 0;
  {
    const auto connection = buildkit::Connection::start(
        std::move(sockets->first), server ? bytes : std::string(),
        server ? buildkit::Connection::Role::server : buildkit::Connection::Role::client, [](buildkit::Stream& call) {
          for (auto message = call.read(); message && *message; message = call.read())
            if (!call.write(**message)) break;
          call.finish({});
        });
    if (!connection) return 0;
    std::unique_ptr<buildkit::Stream> call;
    if (!server) {
      if (auto made = (*connection)->call("/a.B/C")) call = std::move(*made);
      (void)::send(sockets->second.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    (void)::shutdown(sockets->second.get(), SHUT_WR);
    while (call) {
      const auto message = call->read();
      if (!message || !*message) break;
    }
    (*connection)->wait_closed();
  }
  return 0;
}
