#include "buildkit/rpc/callbacks.hpp"

#include <algorithm>
#include <cstring>

#include "base/base64.hpp"
#include "base/strings.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t max_header_bytes = std::size_t{256} << 10;     // per call
constexpr std::size_t max_sent_header_bytes = std::size_t{4} << 20;  // the patterns of a context travel as headers

ConnectionCore& core_in(void* core) {
  return *static_cast<ConnectionCore*>(core);
}

// nghttp2 copies both, but its type requires non-const pointers.
nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

nghttp2_data_provider output_of(ConnectionCore& core) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &core;
  provider.read_callback = Callbacks::take_output;
  return provider;
}

void add_status(const RpcStatus& status, Headers& headers) {
  headers.emplace_back("grpc-status", std::to_string(static_cast<int>(status.code)));
  if (!status.message.empty()) headers.emplace_back("grpc-message", encode_grpc_message(status.message));
  if (!status.details.empty()) headers.emplace_back("grpc-status-details-bin", base64_encode(status.details));
}

std::vector<nghttp2_nv> pairs_of(const Headers& headers) {
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(headers.size());
  for (const auto& [name, value] : headers) pairs.push_back(pair_of(name, value));
  return pairs;
}

void take_answer_header(StreamState& stream, std::string_view name, std::string_view value) {
  if (name == "grpc-status") {
    const auto code = parse_unsigned(value);
    if (!stream.peer_status) stream.peer_status.emplace();
    stream.peer_status->code = code && *code <= 16 ? static_cast<RpcCode>(*code) : RpcCode::unknown;
  } else if (name == "grpc-message") {
    if (!stream.peer_status) stream.peer_status.emplace(RpcCode::unknown);
    stream.peer_status->message = decode_grpc_message(value);
  } else if (name == ":status" && value != "200") {
    stream.peer_status.emplace(RpcCode::unavailable, "the client answered with HTTP status " + std::string(value));
  }
}

}  // namespace

Result<nghttp2_session*> Callbacks::new_session(ConnectionCore& core, bool server) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0) {
    nghttp2_session_callbacks_del(callbacks);
    return fail(Code::internal, "begin HTTP/2");
  }
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, max_sent_header_bytes);
  nghttp2_session* session = nullptr;
  const int failed = server ? nghttp2_session_server_new2(&session, callbacks, &core, option)
                            : nghttp2_session_client_new2(&session, callbacks, &core, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (failed != 0) return fail(Error(Code::internal, "begin HTTP/2").why(nghttp2_strerror(failed)));
  return session;
}

std::int32_t Callbacks::submit_request(ConnectionCore& core, const std::string& path, const Headers& metadata) {
  Headers headers{{":method", "POST"},      {":scheme", "http"}, {":authority", "localhost"},
                  {":path", path},          {"te", "trailers"},  {"content-type", "application/grpc"},
                  {"user-agent", "consort"}};
  headers.insert(headers.end(), metadata.begin(), metadata.end());
  const auto pairs = pairs_of(headers);
  const auto output = output_of(core);
  return nghttp2_submit_request(core.session_, nullptr, pairs.data(), pairs.size(), &output, nullptr);
}

// Without messages, everything including the status goes into one frame.
void Callbacks::submit_response(ConnectionCore& core, StreamState& stream) {
  Headers headers{{":status", "200"}, {"content-type", "application/grpc"}};
  const bool only_status = stream.finished && stream.out.empty();
  if (only_status) add_status(stream.status, headers);
  const auto pairs = pairs_of(headers);
  const auto output = output_of(core);
  nghttp2_submit_response(core.session_, stream.id, pairs.data(), pairs.size(), only_status ? nullptr : &output);
}

int Callbacks::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* core) {
  ConnectionCore& self = core_in(core);
  if (!self.is_server() || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto stream = std::make_shared<StreamState>();
  stream->id = frame->hd.stream_id;
  self.streams_[stream->id] = std::move(stream);
  return 0;
}

int Callbacks::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                         std::size_t name_length, const std::uint8_t* value, std::size_t value_length, std::uint8_t,
                         void* core) {
  ConnectionCore& self = core_in(core);
  const auto stream = self.find(frame->hd.stream_id);
  if (!stream) return 0;
  const std::string_view key(reinterpret_cast<const char*>(name), name_length);
  const std::string_view text(reinterpret_cast<const char*>(value), value_length);
  stream->header_bytes += key.size() + text.size();
  if (stream->header_bytes > max_header_bytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (!self.is_server()) {
    take_answer_header(*stream, key, text);
  } else if (key == ":path") {
    stream->path = text;
  } else if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && !key.starts_with(":")) {
    stream->headers.emplace_back(key, text);
  }
  return 0;
}

int Callbacks::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* core) {
  ConnectionCore& self = core_in(core);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  const auto stream = self.find(frame->hd.stream_id);
  if (!stream) return 0;
  if (self.is_server() && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    self.arrived_.push_back(stream);
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    stream->peer_done = true;
    stream->changed.notify_all();
  }
  return 0;
}

// A handler may end before its caller has: the rest of the caller's data is then useless.
int Callbacks::on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* core) {
  ConnectionCore& self = core_in(core);
  if (!self.is_server() || frame->hd.type != NGHTTP2_HEADERS) return 0;
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  const auto stream = self.find(frame->hd.stream_id);
  if (stream && !stream->peer_done)
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

int Callbacks::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                       std::size_t length, void* core) {
  ConnectionCore& self = core_in(core);
  const auto stream = self.find(id);
  if (!stream || stream->canceled) {
    nghttp2_session_consume(session, id, length);
    return 0;
  }
  stream->reader.add({reinterpret_cast<const char*>(data), length});
  stream->unconsumed += length;
  if (!stream->reader.has_whole()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // not a gRPC message: reset the call
  self.consume(*stream);
  stream->changed.notify_all();
  return 0;
}

int Callbacks::on_close(nghttp2_session* session, std::int32_t id, std::uint32_t error, void* core) {
  ConnectionCore& self = core_in(core);
  const auto stream = self.find(id);
  if (!stream) return 0;
  if (stream->unconsumed > 0) nghttp2_session_consume_connection(session, std::exchange(stream->unconsumed, 0));
  stream->closed = true;
  if (error != NGHTTP2_NO_ERROR) self.stopped_.push_back(stream);
  self.streams_.erase(id);
  stream->changed.notify_all();
  return 0;
}

ssize_t Callbacks::take_output(nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t room,
                               std::uint32_t* flags, nghttp2_data_source*, void* core) {
  ConnectionCore& self = core_in(core);
  const auto stream = self.find(id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t taken = std::min(room, stream->out.size() - stream->out_at);
  if (taken > 0) std::memcpy(into, stream->out.data() + stream->out_at, taken);
  stream->out_at += taken;
  if (stream->out_at < stream->out.size()) return static_cast<ssize_t>(taken);
  stream->out.clear();
  stream->out_at = 0;
  stream->changed.notify_all();
  if (!stream->finished) return taken == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(taken);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (self.is_server()) {
    Headers trailers;
    add_status(stream->status, trailers);
    const auto pairs = pairs_of(trailers);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, pairs.data(), pairs.size());
  }
  return static_cast<ssize_t>(taken);
}

}  // namespace consort::buildkit
