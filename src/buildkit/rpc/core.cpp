#include "buildkit/rpc/core.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "buildkit/rpc/callbacks.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t read_bytes = std::size_t{64} << 10;
constexpr std::size_t max_outgoing = std::size_t{256} << 10;
constexpr std::size_t max_unsent = std::size_t{256} << 10;  // per call, until its writer waits
constexpr std::int32_t stream_window = 512 << 10;
constexpr std::int32_t connection_window = 4 << 20;
constexpr std::uint32_t max_calls = 100;  // at a time

Error gone() {
  return Error(Code::lost).why("the connection to the client has been closed");
}

}  // namespace

ConnectionCore::ConnectionCore(Fd socket, Fd wake, Connection::Role role, Connection::Handler handler)
    : socket_(std::move(socket)), wake_(std::move(wake)), role_(role), handler_(std::move(handler)) {}

ConnectionCore::~ConnectionCore() {
  nghttp2_session_del(session_);
}

Result<> ConnectionCore::begin(std::string read_already) {
  session_ = TRY(Callbacks::new_session(*this, is_server()));
  const std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_calls},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(stream_window)}};
  if (nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0 ||
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window) != 0)
    return fail(Code::internal, "begin HTTP/2");
  early_ = std::move(read_already);
  incoming_.resize(read_bytes);
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(), "start thread");
  }
  return {};
}

void ConnectionCore::wake() const {
  const std::uint64_t one = 1;
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
}

void ConnectionCore::close() {
  const std::scoped_lock lock(mutex_);
  closing_ = true;
  wake();
}

void ConnectionCore::join() {
  if (thread_.joinable()) thread_.join();
}

void ConnectionCore::wait_closed() {
  std::unique_lock lock(mutex_);
  ended_changed_.wait(lock, [&] { return ended_; });
}

// ---- the connection's thread ----------------------------------------------------------------------------------------

void ConnectionCore::loop() {
  bool alive = early_.empty() || feed(early_);
  early_ = {};
  while (alive) {
    short events = POLLIN;
    {
      const std::scoped_lock lock(mutex_);
      collect_output();
      const bool idle = !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
      if (closing_ || (idle && outgoing_.empty())) break;
    }
    handle_news();
    if (outgoing_at_ < outgoing_.size()) events |= POLLOUT;
    alive = exchange(events);
  }
  end_all();
  reap(true);
}

bool ConnectionCore::exchange(short events) {
  pollfd polled[2] = {{socket_.get(), events, 0}, {wake_.get(), POLLIN, 0}};
  if (::poll(polled, 2, -1) < 0) return errno == EINTR;
  if (polled[1].revents != 0) {
    std::uint64_t count = 0;
    while (::read(wake_.get(), &count, sizeof count) < 0 && errno == EINTR) continue;
  }
  if ((polled[0].revents & POLLOUT) != 0 && !send_some()) return false;
  if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) return receive_some();
  return true;
}

bool ConnectionCore::send_some() {
  const ssize_t sent = ::send(socket_.get(), outgoing_.data() + outgoing_at_, outgoing_.size() - outgoing_at_,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EINTR || errno == EAGAIN;
  outgoing_at_ += static_cast<std::size_t>(sent);
  if (outgoing_at_ == outgoing_.size()) {
    outgoing_.clear();
    outgoing_at_ = 0;
  }
  return true;
}

bool ConnectionCore::receive_some() {
  const ssize_t got = ::recv(socket_.get(), incoming_.data(), incoming_.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  return got > 0 && feed({incoming_.data(), static_cast<std::size_t>(got)});
}

bool ConnectionCore::feed(std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  // Not HTTP/2: nghttp2 has queued the error frame, or has nothing more to send.
  return nghttp2_session_mem_recv(session_, data, bytes.size()) == static_cast<ssize_t>(bytes.size());
}

void ConnectionCore::collect_output() {
  while (outgoing_.size() - outgoing_at_ < max_outgoing) {
    const std::uint8_t* data = nullptr;
    const ssize_t length = nghttp2_session_mem_send(session_, &data);
    if (length <= 0) break;
    outgoing_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(length));
  }
}

void ConnectionCore::handle_news() {
  std::vector<std::shared_ptr<StreamState>> arrived, stopped;
  {
    const std::scoped_lock lock(mutex_);
    arrived.swap(arrived_);
    stopped.swap(stopped_);
  }
  for (const auto& stream : stopped) stream->stop.request_stop();  // may call back into the waiting code
  for (const auto& stream : arrived) start_handler(stream);
  reap(false);
}

void ConnectionCore::start_handler(const std::shared_ptr<StreamState>& stream) {
  auto ended = std::make_shared<std::atomic<bool>>(false);
  try {
    workers_.push_back({std::thread([core = shared_from_this(), stream, ended] {
                          {
                            Stream call(core, stream);
                            core->handler_(call);
                            call.finish({RpcCode::internal, "the call was not answered", {}});
                          }
                          ended->store(true);
                        }),
                        ended});
  } catch (const std::system_error&) {
    finish(*stream, {RpcCode::resource_exhausted, "no thread can be started", {}});
  }
}

void ConnectionCore::reap(bool all) {
  std::erase_if(workers_, [&](Worker& worker) {
    if (!all && !worker.ended->load()) return false;
    worker.thread.join();
    return true;
  });
}

void ConnectionCore::end_all() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    for (const auto& [id, stream] : streams_) {
      stopped_.push_back(stream);
      stream->changed.notify_all();
    }
    streams_.clear();
    arrived_.clear();
    ended_changed_.notify_all();
    ::shutdown(socket_.get(), SHUT_RDWR);
  }
  handle_news();
  closed_.request_stop();
}

// ---- calls, from any thread -----------------------------------------------------------------------------------------

std::shared_ptr<StreamState> ConnectionCore::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<StreamState>> ConnectionCore::open_call(const std::string& path, const Headers& metadata) {
  const std::scoped_lock lock(mutex_);
  if (ended_ || closing_) return fail(gone());
  auto stream = std::make_shared<StreamState>();
  stream->path = path;
  stream->answering = true;
  const std::int32_t id = Callbacks::submit_request(*this, path, metadata);
  if (id < 0) return fail(Error(Code::io, "call client").on(path).why(nghttp2_strerror(id)));
  stream->id = id;
  streams_[id] = stream;
  wake();
  return stream;
}

// Bytes of complete messages that wait for their reader stay counted against the windows; those of a message that is
// still arriving do not, or a long one could never complete.
void ConnectionCore::consume(StreamState& stream) {
  if (stream.unconsumed == 0) return;
  if (const auto whole = stream.reader.has_whole(); whole && *whole) return;
  nghttp2_session_consume(session_, stream.id, std::exchange(stream.unconsumed, 0));
}

Result<std::optional<std::string>> ConnectionCore::read(StreamState& stream) {
  std::unique_lock lock(mutex_);
  for (;;) {
    auto message = stream.reader.next();
    if (!message || *message) {
      consume(stream);
      wake();
      return message;
    }
    if (stream.canceled) return fail(Error(Code::interrupted).why("context canceled"));
    if (stream.peer_status) {
      if (!stream.peer_status->ok()) return fail(error_of(*stream.peer_status));
      return std::nullopt;
    }
    if (is_server() && stream.peer_done && stream.reader.empty()) return std::nullopt;
    if (over(stream)) return fail(gone());
    stream.changed.wait(lock);
  }
}

Result<> ConnectionCore::write(StreamState& stream, std::string_view message) {
  std::unique_lock lock(mutex_);
  stream.changed.wait(lock, [&] {
    return over(stream) || stream.canceled || stream.finished || stream.out.size() - stream.out_at < max_unsent;
  });
  if (stream.canceled) return fail(Error(Code::interrupted).why("context canceled"));
  if (stream.peer_status && !stream.peer_status->ok()) return fail(error_of(*stream.peer_status));
  if (over(stream) || stream.finished) return fail(gone());
  stream.out += framed(message);
  if (!stream.answering) begin_answer(stream);
  nghttp2_session_resume_data(session_, stream.id);
  wake();
  return {};
}

void ConnectionCore::begin_answer(StreamState& stream) {
  stream.answering = true;
  Callbacks::submit_response(*this, stream);
}

void ConnectionCore::finish(StreamState& stream, const RpcStatus& status) {
  const std::scoped_lock lock(mutex_);
  if (stream.finished || over(stream)) return;
  stream.finished = true;
  stream.status = status;
  if (!stream.answering) begin_answer(stream);
  nghttp2_session_resume_data(session_, stream.id);
  wake();
}

void ConnectionCore::close_send(StreamState& stream) {
  const std::scoped_lock lock(mutex_);
  if (stream.finished || over(stream)) return;
  stream.finished = true;
  nghttp2_session_resume_data(session_, stream.id);
  wake();
}

void ConnectionCore::cancel(StreamState& stream) {
  const std::scoped_lock lock(mutex_);
  if (over(stream)) return;
  stream.canceled = true;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
  stream.changed.notify_all();
  wake();
}

void ConnectionCore::end_of_owner(StreamState& stream) {
  bool wanted = false;
  {
    const std::scoped_lock lock(mutex_);
    // A server's answer may still be on its way; a caller's unsent request is useless.
    wanted = is_server() ? stream.finished : stream.peer_status.has_value() && stream.finished;
  }
  if (!wanted) cancel(stream);
}

}  // namespace consort::buildkit
