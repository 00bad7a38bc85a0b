// The parsed head of a request.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consort::serve::http {

// "%41+" -> "A ". Invalid escapes are left as they are.
enum class Plus : std::uint8_t { is_plus, is_space };  // in a path; in a query
std::string percent_decode(std::string_view text, Plus plus);

// The decoded pairs of a query, in order; keys may repeat.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view text);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string text(std::string_view key, std::string_view fallback = {}) const;  // the first value
  std::vector<std::string> all(std::string_view key) const;

 private:
  const std::string* find(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Request {
  std::string method;  // "GET"
  std::string path;    // unchanged, without the query: "/v1.51/containers/json"
  Query query;
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case; repeated headers joined by ", "
  unsigned version = 11;                                    // 10, 11
  bool keep_alive = true;
  bool has_body = false;                        // it has a length above 0 or is chunked
  std::optional<std::uint64_t> content_length;  // nullopt: no body, or chunked

  std::string_view header(std::string_view lower_case_name) const;
  // Whether a word is in the header's list: "Connection: keep-alive, Upgrade".
  bool header_has(std::string_view lower_case_name, std::string_view word) const;
};

}  // namespace consort::serve::http
