// Parses RUN --mount=type=cache,target=/var/cache/apt,...
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::build {

struct RunMount {
  enum class Type : std::uint8_t { bind, cache, tmpfs, secret, ssh } type = Type::bind;
  enum class Sharing : std::uint8_t { shared, private_, locked } sharing = Sharing::shared;
  std::string from;
  std::string source;
  std::string target;
  std::string id;
  std::optional<std::string> environment;  // secret: name of a variable
  bool read_only = false;
  bool required = false;
  std::uint64_t size_bytes = 0;  // tmpfs; 0: no limit
  std::optional<std::uint32_t> mode, uid, gid;
};

using Expand = std::function<Result<std::string>(std::string_view)>;
// Values are expanded, except for `from`.
Result<RunMount> parse_mount(std::string_view text, const Expand& expander);
// Only the value of from=, which the stage graph needs before any variable is known; "" if there is none.
Result<std::string> mount_source(std::string_view text);

// Splits one line of comma-separated values; double quotes protect commas.
Result<std::vector<std::string>> split_csv(std::string_view text);

}  // namespace consort::build
