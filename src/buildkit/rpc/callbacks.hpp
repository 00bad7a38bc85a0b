// nghttp2's callbacks for a connection. nghttp2 calls them while the connection's mutex is held.
#pragma once

#include "buildkit/rpc/core.hpp"

namespace consort::buildkit {

struct Callbacks {
  static Result<nghttp2_session*> new_session(ConnectionCore& core, bool server);
  // The stream ID, or nghttp2's error code, which is negative.
  static std::int32_t submit_request(ConnectionCore& core, const std::string& path, const Headers& metadata);
  static void submit_response(ConnectionCore& core, StreamState& stream);

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* core);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_length,
                       const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* core);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* core);
  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* core);
  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t length, void* core);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* core);
  static ssize_t take_output(nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t room,
                             std::uint32_t* flags, nghttp2_data_source*, void* core);
};

}  // namespace consort::buildkit
