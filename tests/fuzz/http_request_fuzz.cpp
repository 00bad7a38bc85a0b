// Any bytes that a client sends to `consort serve`: several requests one after another, split into pieces of any size,
// and the values in their queries.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "serve/api/containers/container_spec.hpp"
#include "serve/api/containers/hijack.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/moments.hpp"
#include "serve/http/request_parser.hpp"

using namespace consort::serve;  // NOLINT: one file, one purpose

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void look_at(const http::Request& request) {
  constexpr std::string_view known[] = {"label", "name", "status"};
  if (const auto filters = Filters::parse(request.query.text("filters"), known)) {
    (void)filters->pattern("name", "lms-db-1");
    (void)filters->labels({{"a", "b"}});
  }
  (void)parse_moment("since", request.query.text("since"));
  if (auto keys = consort::DetachKeys::parse(request.query.text("detachKeys"))) {
    const auto filtered = keys->feed(request.path);
    require(filtered.text.size() <= request.path.size());
  }
  require(request.has_body || request.content_length.value_or(0) == 0);
}

// The split into pieces must not change the result.
std::string read_all(std::string_view bytes, std::size_t piece) {
  std::string seen, buffer;
  http::RequestParser parser;
  bool headed = false;
  std::string body;
  while (!bytes.empty()) {
    buffer += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (!buffer.empty()) {
      const auto taken = parser.feed(buffer, [&](std::string_view part) { body += part; });
      if (!taken) return seen + "!";
      require(*taken <= buffer.size());
      buffer.erase(0, *taken);
      if (parser.has_head() && !headed) {
        headed = true;
        const http::Request request = parser.take_request();
        look_at(request);
        seen += request.method + " " + request.path + "\n";
      }
      if (parser.done()) {
        seen += body + "\n";
        parser = {};
        body.clear();
        headed = false;
      } else if (*taken == 0) {
        break;
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)read_all(text, 7);
  (void)read_all(text, text.size() + 1);
  if (const auto body = consort::parse_json(text, "request"); body && body->is_object()) (void)container_spec(*body);
  return 0;
}
