// The platform that an image was made for: "linux/amd64", "linux/arm64/v8".
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::image {

struct Platform {
  std::string os = "linux";
  std::string architecture;  // Go's names: amd64, arm64, arm, 386, ...
  std::string variant;       // v7, v8; may be empty

  static Platform host();
  // Accepts "linux/arm64", "arm64", "linux/arm/v7"; common aliases (x86_64, aarch64, armhf) are normalised.
  static Result<Platform> parse(std::string_view text);
  std::string text() const;

  friend bool operator==(const Platform&, const Platform&) = default;
};

// How well an image for `offered` satisfies `wanted`: 0 means not at all, higher is better.
int match(const Platform& wanted, const Platform& offered);

}  // namespace consort::image
