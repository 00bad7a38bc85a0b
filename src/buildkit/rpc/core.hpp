// State shared by a connection's thread and its calls. nghttp2 keeps the state of HTTP/2; every access to it requires
// mutex_.
#pragma once

#include <nghttp2/nghttp2.h>

#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "buildkit/rpc/connection.hpp"
#include "buildkit/rpc/messages.hpp"

namespace consort::buildkit {

// All members except `stop` are protected by the core's mutex.
struct StreamState {
  std::int32_t id = -1;
  std::string path;
  Headers headers;
  std::size_t header_bytes = 0;

  MessageReader reader;
  std::size_t unconsumed = 0;  // received, but not yet returned to the flow control windows
  bool peer_done = false;      // the peer will send nothing more
  std::optional<RpcStatus> peer_status;

  std::string out;  // framed messages not yet passed to nghttp2
  std::size_t out_at = 0;
  bool answering = false;  // server: the response headers have been submitted
  bool finished = false;   // nothing more will be written
  RpcStatus status;        // server: set once finished

  bool canceled = false;  // by this side
  bool closed = false;    // nghttp2 has closed the stream
  std::condition_variable changed;
  std::stop_source stop;
};

class ConnectionCore : public std::enable_shared_from_this<ConnectionCore> {
 public:
  ConnectionCore(Fd socket, Fd wake, Connection::Role role, Connection::Handler handler);
  ~ConnectionCore();

  Result<> begin(std::string read_already);
  void close();
  void join();
  void wait_closed();
  std::stop_token closed() const { return closed_.get_token(); }

  Result<std::shared_ptr<StreamState>> open_call(const std::string& path, const Headers& metadata);
  Result<std::optional<std::string>> read(StreamState& stream);
  Result<> write(StreamState& stream, std::string_view message);
  void finish(StreamState& stream, const RpcStatus& status);
  void close_send(StreamState& stream);
  void cancel(StreamState& stream);
  void end_of_owner(StreamState& stream);  // no one will read or write any more

 private:
  friend struct Callbacks;
  struct Worker {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> ended;
  };

  void loop();
  bool exchange(short events);  // false: the connection has ended
  bool send_some();
  bool receive_some();
  bool feed(std::string_view bytes);
  void collect_output();
  void handle_news();  // called without the mutex: starts handlers, requests stops
  void start_handler(const std::shared_ptr<StreamState>& stream);
  void reap(bool all);
  void end_all();
  void wake() const;

  void consume(StreamState& stream);
  void begin_answer(StreamState& stream);
  std::shared_ptr<StreamState> find(std::int32_t id);
  bool is_server() const { return role_ == Connection::Role::server; }
  bool over(const StreamState& stream) const { return stream.closed || ended_; }

  Fd socket_, wake_;
  Connection::Role role_;
  Connection::Handler handler_;
  std::mutex mutex_;
  std::condition_variable ended_changed_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::shared_ptr<StreamState>> streams_;
  std::vector<std::shared_ptr<StreamState>> arrived_, stopped_;
  bool closing_ = false, ended_ = false;
  std::stop_source closed_;
  // Used only by the connection's thread:
  std::string early_, outgoing_;
  std::size_t outgoing_at_ = 0;
  std::vector<char> incoming_;
  std::list<Worker> workers_;
  std::thread thread_;
};

}  // namespace consort::buildkit
