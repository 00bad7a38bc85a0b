#include "project/exec/docker_ports.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"

namespace consort::project {

namespace {

constexpr std::size_t longest_answer = std::size_t{16} << 20;

// HTTP 1.0, so that the answer is not chunked and the connection ends with it.
constexpr std::string_view request = "GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n";

// A daemon that hangs must not delay an error message.
Result<Fd> connect_in_time(const std::string& socket) {
  const UnixAddress address = TRY(unix_address(socket));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("create socket");
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("connect to", socket);
  return fd;
}

Result<std::string> ask(const std::string& socket) {
  const Fd fd = TRY(connect_in_time(socket));
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return fail_errno("write to", socket);
  std::string answer;
  std::array<char, 65536> part;
  while (answer.size() < longest_answer) {
    const ssize_t got = ::recv(fd.get(), part.data(), part.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read from", socket);
    if (got == 0) return answer;
    answer.append(part.data(), static_cast<std::size_t>(got));
  }
  return fail(Code::invalid, "read from", socket);
}

bool publishes(const Json& container, std::uint16_t port, const std::string& protocol) {
  const Json* ports = find_key(container, "Ports");
  if (ports == nullptr || !ports->is_array()) return false;
  for (const Json& each : *ports)
    if (get_int(each, "PublicPort") == port && get_string(each, "Type") == protocol) return true;
  return false;
}

}  // namespace

std::optional<std::string> docker_container_at(std::uint16_t port, const std::string& protocol,
                                               const std::string& socket) {
  const auto answer = ask(socket);
  const std::size_t head = answer ? answer->find("\r\n\r\n") : std::string::npos;
  if (head == std::string::npos) return std::nullopt;
  const auto containers = parse_json(std::string_view(*answer).substr(head + 4), socket);
  if (!containers || !containers->is_array()) return std::nullopt;
  for (const Json& container : *containers) {
    const std::vector<std::string> names = get_strings(container, "Names");
    if (!names.empty() && publishes(container, port, protocol))
      return names.front().substr(names.front().find('/') + 1);
  }
  return std::nullopt;
}

}  // namespace consort::project
