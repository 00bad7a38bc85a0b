// Parses requests from bytes with Boost.Beast, without sockets. The bytes of a body are passed on as they arrive and
// are never stored.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "serve/http/request.hpp"

namespace consort::serve::http {

inline constexpr std::size_t head_limit = std::size_t{256} << 10;  // dockerode repeats an entire body in the query

class RequestParser {
 public:
  using BodySink = std::function<void(std::string_view)>;

  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // Consumes some of the bytes and returns how many; pass the rest again, followed by new ones. It stops at the end of
  // the head and at the end of the request. 0: it needs more. After an error (Code::invalid), the start of the next
  // request is unknown, so the connection cannot continue.
  Result<std::size_t> feed(std::string_view bytes, const BodySink& body);
  bool has_head() const;
  bool done() const;       // the whole request has been read, including its body
  Request take_request();  // available once has_head()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::serve::http
