#include "supervisor/log/ship/shipper.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/os/files/file.hpp"
#include "base/os/sockets/inet_address.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/strings.hpp"

namespace consort::supervisor {

namespace {

constexpr std::chrono::milliseconds first_pause{500}, longest_pause{30'000};
constexpr std::chrono::seconds save_interval{1};
constexpr int messages_a_turn = 200;  // then others get their turn

Result<InetAddress> address_of(const ShipUnit& unit) {
  if (unit.network == "unix" || unit.network == "unixgram") {
    InetAddress address;
    auto* local = reinterpret_cast<sockaddr_un*>(&address.storage);
    if (unit.address.size() >= sizeof local->sun_path) return fail(Code::invalid, "connect to", unit.address);
    local->sun_family = AF_UNIX;
    std::memcpy(local->sun_path, unit.address.c_str(), unit.address.size() + 1);
    address.size = sizeof *local;
    return address;
  }
  const auto inet = inet_address(unit.address, unit.port);
  if (!inet) return fail(Code::invalid, "connect to", unit.address);
  return *inet;
}

bool is_stream(const ShipUnit& unit) {
  return unit.network == "tcp" || unit.network == "unix";
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// The journal accepts messages that do not fit into a datagram as a sealed file.
bool send_as_file(int socket, const std::string& message) {
  const Fd file(::memfd_create("consort-log", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || !write_full(file.get(), message)) return false;
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return false;
  return send_message(socket, "", std::array{file.get()}).has_value();  // the socket does not block
}

}  // namespace

LogShipper::LogShipper(EventLoop& loop, const std::string& log_path, ShipUnit unit)
    : loop_(loop),
      unit_(std::move(unit)),
      log_path_(log_path),
      origin_{host_name(), ::getpid()},
      reader_(log_path, {}),
      pause_(first_pause) {}

LogShipper::~LogShipper() {
  save_cursor();
  disconnect();
  if (retry_ != 0) loop_.cancel(retry_);
  if (turn_ != 0) loop_.cancel(turn_);
}

// "TIME LINES"
void LogShipper::begin() {
  if (std::exchange(begun_, true)) return;
  const auto text = read_file(cursor_path(), 200);
  if (!text) return;
  const std::vector<std::string> parts = split(std::string(trim(*text)), ' ');
  const auto time = parts.size() == 2 ? parse_signed(parts[0]) : std::nullopt;
  const auto lines = parts.size() == 2 ? parse_unsigned(parts[1]) : std::nullopt;
  if (!time || !lines) return;
  from_ = cursor_ = {SystemTime(Nanoseconds(*time)), *lines};
  place_ = from_.time > system_now() ? Place::looked_for : Place::told_by_time;
  if (place_ == Place::told_by_time) reader_ = LogReader(log_path_, {.since = from_.time});
}

// At the end of the file: records from now on are new, regardless of their time. Returns true if the position is no
// longer in the file; then everything in it was written later and must still be read.
bool LogShipper::settle_place() {
  const bool gone = place_ == Place::looked_for && seen_at_from_ == 0;
  place_ = Place::passed;
  if (!gone) return false;
  lines_ = LineAssembler(LineAssembler::Beginning::whole);
  reader_ = LogReader(log_path_, {});
  return true;
}

std::string LogShipper::cursor_path() const {
  return log_path_ + ".shipped";
}

void LogShipper::save_cursor() {
  if (cursor_.time == SystemTime{}) return;
  (void)write_file_atomic(
      cursor_path(),
      std::to_string(cursor_.time.time_since_epoch().count()) + " " + std::to_string(cursor_.lines) + "\n", 0600);
  saved_ = std::chrono::steady_clock::now();
}

void LogShipper::poke() {
  if (retry_ == 0 && turn_ == 0) work();
}

void LogShipper::finish() {
  ended_ = true;
  if (retry_ != 0) loop_.cancel(std::exchange(retry_, 0));
  if (turn_ != 0) loop_.cancel(std::exchange(turn_, 0));
  work();
  save_cursor();
}

void LogShipper::work() {
  begin();
  if (!socket_)
    if (const auto done = connect(); !done) return fail(done.error().message());
  if (!connected_) return;  // on_socket() continues
  for (int sent = 0; sent < messages_a_turn; ++sent) {
    if (next_ == waiting_.size()) {
      const Result<bool> more = read_some_lines();
      if (!more) return try_again_later(more.error().message());
      if (*more || settle_place() || (ended_ && flush_lines())) continue;
      if (ended_ || std::chrono::steady_clock::now() - saved_ > save_interval) save_cursor();
      return;
    }
    switch (send_next()) {
      case Sent::yes:
        continue;
      case Sent::later:
        (void)loop_.modify(watch_, EPOLLIN | EPOLLOUT);
        return;
      case Sent::failed:
        return;
    }
  }
  work_later();
}

void LogShipper::work_later() {
  turn_ = loop_.after(std::chrono::milliseconds(0), [this] {
    turn_ = 0;
    work();
  });
}

Result<bool> LogShipper::read_some_lines() {
  waiting_.clear();
  next_ = 0;
  const auto take = [this](const LogLine& line, bool) { take_line(line); };
  return reader_.read_bytes([&](const LogRecord& record) {
    const bool told_old = place_ == Place::told_by_time && seen_at_from_ == 0 && record.time < from_.time;
    if (!told_old) lines_.add(record, take);
  });
}

bool LogShipper::flush_lines() {
  lines_.flush([this](const LogLine& line, bool) { take_line(line); });
  for (Waiting& waiting : waiting_) waiting.counted = false;
  return !waiting_.empty();
}

bool LogShipper::is_new(const LogLine& line) {
  if (place_ == Place::passed) return true;
  if (line.time == from_.time && seen_at_from_ < from_.lines) {
    ++seen_at_from_;
    return false;
  }
  const bool behind_it = seen_at_from_ > 0;
  if (!behind_it && (place_ == Place::looked_for || line.time < from_.time)) return false;
  place_ = Place::passed;
  return true;
}

void LogShipper::take_line(const LogLine& line) {
  if (!is_new(line)) return;
  std::string_view text = line.text;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return;  // as in Docker: empty messages are not sent
  waiting_.push_back({ship_message(unit_, origin_, {line.time, line.stream, text, line.complete}), line.time});
}

LogShipper::Sent LogShipper::send_next() {
  Waiting& waiting = waiting_[next_];
  if (is_stream(unit_)) {
    while (written_ < waiting.message.size()) {
      const ssize_t count = ::send(socket_.get(), waiting.message.data() + written_, waiting.message.size() - written_,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Sent::later;
      if (count < 0) {
        fail(errno_text(errno));
        return Sent::failed;
      }
      written_ += static_cast<std::size_t>(count);
    }
    written_ = 0;
  } else if (const Sent sent = send_datagrams(waiting.message); sent != Sent::yes) {
    return sent;
  }
  if (waiting.counted && waiting.time != cursor_.time) cursor_ = {waiting.time, 0};
  if (waiting.counted) ++cursor_.lines;
  ++next_;
  pause_ = first_pause;
  if (!trouble_.empty()) {
    trouble_.clear();
    if (on_trouble_) on_trouble_("");
  }
  return Sent::yes;
}

LogShipper::Sent LogShipper::send_datagrams(const std::string& message) {
  std::array<char, 8> id{};
  if (unit_.driver == "gelf") (void)!::getrandom(id.data(), id.size(), 0);
  const std::vector<std::string> parts =
      unit_.driver == "gelf" ? gelf_datagrams(message, {id.data(), id.size()}) : std::vector<std::string>{message};
  for (const std::string& part : parts) {
    ssize_t count;
    do count = ::send(socket_.get(), part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    if (count >= 0) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return Sent::later;
    // Too large for a datagram: the journal takes a file, other receivers will never accept it.
    if (errno == EMSGSIZE && (unit_.driver != "journald" || send_as_file(socket_.get(), message))) return Sent::yes;
    // Nothing listens at that port right now; the error refers to the previous datagram.
    if (errno == ECONNREFUSED && unit_.network == "udp") continue;
    fail(errno_text(errno));
    return Sent::failed;
  }
  return Sent::yes;
}

Result<> LogShipper::connect() {
  const InetAddress address = TRY(address_of(unit_));
  const int type = is_stream(unit_) ? SOCK_STREAM : SOCK_DGRAM;
  socket_ = Fd(::socket(address.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return fail_errno("make socket");
  const int done = ::connect(socket_.get(), address.raw(), address.size);
  if (done != 0 && errno != EINPROGRESS) return fail_errno("connect to", unit_.address);
  connected_ = done == 0;
  watch_ = TRY(loop_.add(socket_.get(), connected_ ? EPOLLIN : EPOLLIN | EPOLLOUT,
                         [this](std::uint32_t events) { on_socket(events); }));
  return {};
}

// Data from a receiver is ignored, but not its disappearance.
void LogShipper::on_socket(std::uint32_t events) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0 && (is_stream(unit_) || error != ECONNREFUSED)) return fail(errno_text(error));
  if ((events & EPOLLIN) != 0) {
    std::array<char, 4096> scrap;
    const ssize_t count = ::recv(socket_.get(), scrap.data(), scrap.size(), MSG_DONTWAIT);
    if (count == 0 && is_stream(unit_)) return fail("the receiver has closed the connection");
  }
  if ((events & EPOLLHUP) != 0 && is_stream(unit_)) return fail("the receiver has gone");
  if ((events & EPOLLOUT) == 0) return;
  connected_ = true;
  (void)loop_.modify(watch_, EPOLLIN);
  poke();
}

void LogShipper::disconnect() {
  if (watch_ != 0) loop_.remove(std::exchange(watch_, 0));
  socket_.reset();
  connected_ = false;
  written_ = 0;  // a partial message is useless: send all of it again
}

void LogShipper::fail(const std::string& why) {
  disconnect();
  try_again_later(why);
}

void LogShipper::try_again_later(const std::string& why) {
  if (std::exchange(trouble_, why) != why && on_trouble_) on_trouble_(why);
  if (retry_ != 0) return;
  retry_ = loop_.after(pause_, [this] {
    retry_ = 0;
    work();
  });
  pause_ = std::min(pause_ * 2, longest_pause);
}

}  // namespace consort::supervisor
