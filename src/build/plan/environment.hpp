// Variables in order of definition; a later definition replaces an earlier one.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile/expand.hpp"

namespace consort::build {

class Variables {
 public:
  void set(std::string_view key, std::string value) {
    remove(key);
    pairs_.emplace_back(key, std::move(value));
  }
  void remove(std::string_view key) {
    std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
  }
  std::optional<std::string> get(std::string_view key) const {
    for (const auto& [name, value] : pairs_)
      if (name == key) return value;
    return std::nullopt;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& pair : pairs_) result.push_back(pair.first);
    return result;
  }
  std::vector<std::string> assignments() const {  // "K=V"
    std::vector<std::string> result;
    for (const auto& [name, value] : pairs_) result.push_back(name + "=" + value);
    return result;
  }
  Lookup lookup() const {
    return [this](std::string_view name) { return get(name); };
  }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace consort::build
