// A request's head, taken apart: what all who answer it look at.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consort::serve::http {

// "%41+" -> "A ". What is no escape stays as it is.
enum class Plus : std::uint8_t { is_plus, is_space };  // in a path, in a query
std::string percent_decode(std::string_view text, Plus plus);

// The pairs of a query in their order, decoded; a key may be there several times.
class Query {
 public:
  Query() = default;
  explicit Query(std::string_view text);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string text(std::string_view key, std::string_view fallback = {}) const;  // the first
  std::vector<std::string> all(std::string_view key) const;

 private:
  const std::string* find(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Request {
  std::string method;  // "GET"
  std::string path;    // as it came, without the query: "/v1.51/containers/json"
  Query query;
  std::map<std::string, std::string, std::less<>> headers;  // by name in lower case; of several, joined by ", "
  unsigned version = 11;                                    // 10, 11
  bool keep_alive = true;
  bool has_body = false;                        // there is a length beyond 0, or it comes in chunks
  std::optional<std::uint64_t> content_length;  // none: no body, or in chunks

  std::string_view header(std::string_view lower_case_name) const;
  // One of the words of a list: "Connection: keep-alive, Upgrade".
  bool header_has(std::string_view lower_case_name, std::string_view word) const;
};

}  // namespace consort::serve::http
