// The `filters` of a query: {"label":{"a=b":true}} of Go's clients, and {"label":["a=b"]} of the others.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

class Filters {
 public:
  // Code::invalid in Docker's words: not JSON, or a key that is not among the known ones (then with it as the subject,
  // a setting).
  static Result<Filters> of(const Call& call, std::span<const std::string_view> known);
  static Result<Filters> parse(const std::string& text, std::span<const std::string_view> known);

  bool has(std::string_view key) const { return !values(key).empty(); }
  bool is_empty_list(std::string_view key) const { return values_.contains(key) && values(key).empty(); }
  const std::vector<std::string>& values(std::string_view key) const;
  bool empty() const { return values_.empty(); }

  // No filter of that key, or an empty list, or one of its values is this one.
  bool exact(std::string_view key, const std::string& text) const;
  bool any(std::string_view key, const std::function<bool(const std::string& value)>& matches) const;
  // ... or one of them is a regular expression that is found in the text, or its beginning.
  bool pattern(std::string_view key, const std::string& text) const;
  // All of "KEY" and "KEY=VALUE" are among the labels; of "label!", none.
  bool labels(const std::map<std::string, std::string>& labels) const;
  // "dangling": {"true"}. none: not asked for. Code::invalid for what is neither, and for an empty list.
  Result<std::optional<bool>> boolean(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace consort::serve
