#include "serve/listening.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/strings.hpp"

namespace consort::serve {

namespace {

constexpr int first_inherited = 3;
constexpr int backlog = 4096;  // as Docker's: who does not fit in is refused, by Connections with a reason
const std::string scheme = "unix://";

Result<Fd> stream_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("make socket");
  return fd;
}

bool somebody_listens(const UnixAddress& address) {
  const auto fd = stream_socket();
  return fd && ::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) == 0;
}

std::string address_of(int fd) {
  sockaddr_un name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0 || name.sun_family != AF_UNIX) return {};
  return scheme + std::string(name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path));
}

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view listening_stdin = "fd://0";

// "ADDRESS:PORT", "[ADDRESS]:PORT", ":PORT"; numeric, because a name may mean another machine tomorrow.
Result<Fd> tcp_socket(std::string_view host) {
  const auto wrong = [&] {
    return fail(Error(Code::invalid, "listen on tcp://" + std::string(host)).why("tcp://ADDRESS:PORT is needed"));
  };
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string address(host.substr(0, colon)), port(host.substr(colon + 1));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  addrinfo wanted{};
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (port.empty() || ::getaddrinfo(address.empty() ? nullptr : address.c_str(), port.c_str(), &wanted, &found) != 0)
    return wrong();
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("make socket");
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0)
    return fail_errno("listen on", "tcp://" + std::string(host));
  return fd;
}

}  // namespace

Result<Listener> Listener::taken_over(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return fail_errno("take over descriptor", std::to_string(fd));
  std::string address = address_of(fd);
  if (address.empty() || ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
    return fail(Code::unsupported, "it is not a unix socket that listens");
  TRY(set_nonblocking(fd));
  return Listener(Fd(fd), std::move(address), {});
}

Result<Listener> Listener::open(const std::string& host, const std::shared_ptr<TlsContext>& tls) {
  if (host.starts_with(tcp_scheme) && tls) {
    Listener listener(TRY(tcp_socket(std::string_view(host).substr(tcp_scheme.size()))), host, {});
    listener.tls_ = tls;
    return listener;
  }
  if (host.starts_with(tcp_scheme) || host.starts_with("http")) {
    return fail(Error(Code::unsupported, "listen on " + host)
                    .why("anyone who can reach the API has root access to this machine")
                    .hint("add --tlsverify with --tlscacert, --tlscert and --tlskey, so that only clients with a "
                          "certificate can connect; or use a unix socket: docker -H ssh://USER@HOST"));
  }
  if (host == listening_stdin) return taken_over(STDIN_FILENO);
  const std::string path = host.starts_with(scheme) ? host.substr(scheme.size()) : host;
  if (!path.starts_with('/'))
    return fail(Error(Code::invalid, "listen on \"" + host + "\"").why("unix:///PATH is needed"));
  TRY(make_directories(dir_name(path), 0755));
  const UnixAddress address = TRY(unix_address(path));
  if (somebody_listens(address)) {
    return fail(Error(Code::conflict, "listen on " + scheme + path)
                    .why("another server already listens there")
                    .hint("use that server, or choose another address with -H"));
  }
  struct stat st;
  if (::lstat(path.c_str(), &st) == 0 && !S_ISSOCK(st.st_mode))
    return fail(Error(Code::conflict, "listen on " + scheme + path).why("it exists and is not a socket"));
  ::unlink(path.c_str());
  Fd fd = TRY(stream_socket());
  // The socket file gets the descriptor's mode at bind, so there is no moment in which anybody can connect.
  if (::fchmod(fd.get(), 0600) != 0) return fail_errno("set mode of", path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("bind socket", path);
  if (::listen(fd.get(), backlog) != 0) return fail_errno("listen on", path);
  TRY(set_nonblocking(fd.get()));
  return Listener(std::move(fd), scheme + path, path);
}

Result<std::vector<Listener>> Listener::inherited() {
  std::vector<Listener> listeners;
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  const auto number = count ? parse_unsigned(count) : std::nullopt;
  const bool ours = pid && parse_unsigned(pid) == static_cast<std::uint64_t>(::getpid());
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  if (!ours || !number) return listeners;
  constexpr std::uint64_t most = 64;
  for (int fd = first_inherited; fd < first_inherited + static_cast<int>(std::min(*number, most)); ++fd)
    listeners.push_back(TRY_WRAP(taken_over(fd), "take over a socket of systemd"));
  return listeners;
}

Listener::~Listener() {
  if (fd_ && !file_.empty()) ::unlink(file_.c_str());
}

}  // namespace consort::serve
