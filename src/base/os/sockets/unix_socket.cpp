#include "base/os/sockets/unix_socket.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/os/files/file.hpp"

namespace consort {

namespace {

constexpr time_t connect_patience_seconds = 3;

Result<Fd> unix_socket(int type) {
  const int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_errno("create socket");
  return Fd(fd);
}

}  // namespace

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress address;
  address.name.sun_family = AF_UNIX;
  std::string text = path;
  if (text.size() >= sizeof address.name.sun_path) {
    address.directory = TRY(open_file(dir_name(path), O_PATH | O_DIRECTORY));
    text = "/proc/self/fd/" + std::to_string(address.directory.get()) + "/" + base_name(path);
    if (text.size() >= sizeof address.name.sun_path) return fail_errno(ENAMETOOLONG, "name socket", path);
  }
  std::copy(text.begin(), text.end(), address.name.sun_path);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
  return address;
}

Result<Fd> listen_unix(const std::string& path, mode_t mode, int type) {
  // Bound under a temporary name until it accepts connections: clients draw conclusions from a socket that is missing
  // or refuses.
  const std::string at_first = path + ".new";
  const UnixAddress address = TRY(unix_address(at_first));
  Fd fd = TRY(unix_socket(type));
  ::unlink(at_first.c_str());
  // At bind, the socket file gets the descriptor's mode, so there is no moment at which every user can connect.
  if (::fchmod(fd.get(), mode) != 0) return fail_errno("set mode of", path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("bind socket", path);
  if (::listen(fd.get(), 128) != 0) return fail_errno("listen on", path);
  if (::rename(at_first.c_str(), path.c_str()) != 0) return fail_errno("name socket", path);
  return fd;
}

Result<Fd> connect_unix(const std::string& path) {
  const UnixAddress address = TRY(unix_address(path));
  Fd fd = TRY(unix_socket(SOCK_SEQPACKET));
  // A stopped process still has room in its backlog for some connections; once it is full, connect() would block
  // forever.
  timeval patience{.tv_sec = connect_patience_seconds, .tv_usec = 0};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
    return fail_errno("limit wait of socket");
  int result;
  do result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size);
  while (result != 0 && errno == EINTR);
  if (result != 0) return fail_errno("connect to", path);
  patience = {};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
    return fail_errno("limit wait of socket");
  return fd;
}

Result<Fd> accept_unix(int listener) {
  int fd;
  do fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("accept connection");
  return Fd(fd);
}

Result<Credentials> peer_credentials(int socket) {
  ucred found{};
  socklen_t size = sizeof found;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) return fail_errno("read peer credentials");
  return Credentials{found.pid, found.uid, found.gid};
}

namespace {

// Says that the text is in the first passed descriptor.
constexpr std::string_view long_text("\0long", 5);
// Without these seals the sender could change or truncate the text while it is being read.
constexpr int needed_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Result<Fd> sealed_text(std::string_view text) {
  Fd file(::memfd_create("consort-message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno("create memory file");
  TRY(write_full(file.get(), text));
  if (::fcntl(file.get(), F_ADD_SEALS, needed_seals) != 0) return fail_errno("seal memory file");
  return file;
}

Result<std::string> text_of(int file) {
  const auto bad = [](const char* why) { return fail(Error(Code::invalid, "receive message").why(why)); };
  const int seals = ::fcntl(file, F_GET_SEALS);
  struct stat info {};
  if (seals < 0 || (seals & needed_seals) != needed_seals || ::fstat(file, &info) != 0)
    return bad("its text is no sealed memory file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > max_message_bytes) return bad("longer than the protocol allows");
  std::string text(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(file, text.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("read memory file");
    done += static_cast<std::size_t>(got);
  }
  return text;
}

Result<> send_packet(int socket, std::string_view text, std::span<const int> fds);

}  // namespace

Result<> send_message(int socket, std::string_view text, std::span<const int> fds) {
  if (text.size() <= max_packet_bytes && fds.size() <= max_message_fds) return send_packet(socket, text, fds);
  if (text.size() > max_message_bytes || fds.size() >= max_message_fds)
    return fail(Error(Code::internal, "send message").why("too large: " + std::to_string(text.size()) + " bytes"));
  const Fd file = TRY(sealed_text(text));
  std::vector<int> all{file.get()};
  all.insert(all.end(), fds.begin(), fds.end());
  return send_packet(socket, long_text, all);
}

namespace {

Result<> send_packet(int socket, std::string_view text, std::span<const int> fds) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_message_fds)] = {};
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  ssize_t put;
  do put = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  while (put < 0 && errno == EINTR);
  if (put < 0) return fail_errno("send message");
  return {};
}

}  // namespace

Result<std::optional<Message>> receive_message(int socket) {
  // Asks for the length first: a buffer for the longest message would cost forty pages each time.
  ssize_t size;
  do size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  if (size < 0) return fail_errno("receive message");
  Message message;
  message.text.resize(std::clamp<std::size_t>(static_cast<std::size_t>(size), 1, max_packet_bytes));
  iovec part{message.text.data(), message.text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_message_fds)];
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got;
  do got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("receive message");
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      message.fds.emplace_back(fd);
    }
  }
  if (got == 0 && message.fds.empty()) return std::optional<Message>{};
  if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return fail(Error(Code::invalid, "receive message").why("longer than the protocol allows"));
  message.text.resize(static_cast<std::size_t>(got));
  if (message.text == long_text && !message.fds.empty()) {
    message.text = TRY(text_of(message.fds.front().get()));
    message.fds.erase(message.fds.begin());
  }
  return std::optional<Message>(std::move(message));
}

}  // namespace consort
