#include "serve/http/request_parser.hpp"

#include <limits>

// Header-only: no library of Boost is linked.
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "base/strings.hpp"

namespace consort::serve::http {

namespace beast = boost::beast::http;

namespace {

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

class Parser : public beast::basic_parser<true> {
 public:
  Request request;
  const RequestParser::BodySink* sink = nullptr;

 private:
  using ErrorCode = boost::beast::error_code;

  void on_request_impl(beast::verb /*verb*/, boost::beast::string_view method, boost::beast::string_view target,
                       int version, ErrorCode& error) override {
    error = {};
    request.method = view(method);
    request.version = static_cast<unsigned>(version);
    std::string_view text = view(target);
    // "GET http://localhost/info": some clients send the full URL.
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos && !text.starts_with('/')) {
      const std::size_t slash = text.find('/', scheme + 3);
      text = slash == std::string_view::npos ? "/" : text.substr(slash);
    }
    text = text.substr(0, text.find('#'));
    const std::size_t mark = text.find('?');
    request.path = text.substr(0, mark);
    if (mark != std::string_view::npos) request.query = Query(text.substr(mark + 1));
  }

  void on_response_impl(int /*code*/, boost::beast::string_view /*reason*/, int /*version*/,
                        ErrorCode& error) override {
    error = {};
  }

  void on_field_impl(beast::field /*field*/, boost::beast::string_view name, boost::beast::string_view value,
                     ErrorCode& error) override {
    error = {};
    std::string& text = request.headers[to_lower(view(name))];
    if (!text.empty()) text += ", ";
    text += view(value);
  }

  void on_header_impl(ErrorCode& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, ErrorCode& error) override { error = {}; }

  std::size_t give(boost::beast::string_view body, ErrorCode& error) {
    error = {};
    if (sink && *sink) (*sink)(view(body));
    return body.size();
  }
  std::size_t on_body_impl(boost::beast::string_view body, ErrorCode& error) override { return give(body, error); }
  void on_chunk_header_impl(std::uint64_t /*size*/, boost::beast::string_view /*extensions*/,
                            ErrorCode& error) override {
    error = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, boost::beast::string_view body, ErrorCode& error) override {
    return give(body, error);
  }
  void on_finish_impl(ErrorCode& error) override { error = {}; }
};

Error error_of(const boost::beast::error_code& code) {
  return Error(Code::invalid, "malformed HTTP request: " + code.message());
}

}  // namespace

struct RequestParser::Impl {
  Parser parser;
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(static_cast<std::uint32_t>(head_limit));
  impl_->parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // who reads a body knows how much is good
  impl_->parser.eager(false);
}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

bool RequestParser::has_head() const {
  return impl_->parser.is_header_done();
}
bool RequestParser::done() const {
  return impl_->parser.is_done();
}

Result<std::size_t> RequestParser::feed(std::string_view bytes, const BodySink& body) {
  Parser& parser = impl_->parser;
  parser.sink = &body;
  boost::beast::error_code code;
  const std::size_t taken = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  parser.sink = nullptr;
  if (code == beast::error::need_more) code = {};
  if (code) return fail(error_of(code));
  return taken;
}

Request RequestParser::take_request() {
  Parser& parser = impl_->parser;
  Request request = std::move(parser.request);
  request.keep_alive = parser.keep_alive();
  if (const auto length = parser.content_length()) request.content_length = *length;
  request.has_body = parser.chunked() || request.content_length.value_or(0) > 0;
  return request;
}

}  // namespace consort::serve::http
