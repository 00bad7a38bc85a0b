// Requests out of bytes: Boost.Beast's parser, which knows nothing of sockets. The bytes of a body are handed on as
// they come and are never kept.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "serve/http/request.hpp"

namespace consort::serve::http {

inline constexpr std::size_t head_limit = std::size_t{256} << 10;  // dockerode repeats a whole body in the query

class RequestParser {
 public:
  using BodySink = std::function<void(std::string_view)>;

  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // Takes some of the bytes and says how many: the others must be given again, with what comes after them. It stops at
  // the end of the head, and at the end of the request. 0: it needs more.
  // An error (Code::invalid) is the end: where the next request begins is not known.
  Result<std::size_t> feed(std::string_view bytes, const BodySink& body);
  bool has_head() const;
  bool done() const;       // of the whole request, its body as well
  Request take_request();  // once there is a head

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::serve::http
