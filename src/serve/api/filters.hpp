// The `filters` of a query: {"label":{"a=b":true}} from Go clients, and {"label":["a=b"]} from others.
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
  // Code::invalid with Docker's text: not JSON, or an unknown key (which is then the subject, a setting).
  static Result<Filters> of(const Call& call, std::span<const std::string_view> known);
  static Result<Filters> parse(const std::string& text, std::span<const std::string_view> known);

  bool has(std::string_view key) const { return !values(key).empty(); }
  bool is_empty_list(std::string_view key) const { return values_.contains(key) && values(key).empty(); }
  const std::vector<std::string>& values(std::string_view key) const;
  bool empty() const { return values_.empty(); }

  // True if there is no filter with that key, its list is empty, or one of its values equals the text.
  bool exact(std::string_view key, const std::string& text) const;
  bool any(std::string_view key, const std::function<bool(const std::string& value)>& matches) const;
  // The same, but a value may also be a prefix of the text or a regular expression found in it.
  bool pattern(std::string_view key, const std::string& text) const;
  // True if every "KEY" and "KEY=VALUE" is among the labels, and for "label!" if none is.
  bool labels(const std::map<std::string, std::string>& labels) const;
  // "dangling": {"true"}. nullopt: no such filter. Code::invalid for other values and for an empty list.
  Result<std::optional<bool>> boolean(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace consort::serve
