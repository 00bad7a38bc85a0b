// The value of a label; "" if it is missing.
#pragma once

#include <string>

#include "engine/types.hpp"

namespace consort::project {

inline std::string label_of(const engine::StringMap& labels, const char* key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace consort::project
