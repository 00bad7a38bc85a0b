// What becomes of a command's flags on a cluster: none is dropped in silence.
#pragma once

#include <string_view>

#include "cli/invocation.hpp"

namespace consort::cli {

enum class FlagFate : std::uint8_t {
  honoured,  // or there is nothing for it to change
  warned,    // without it, the command does less than was asked for
  refused,   // without it, the command would do something else
};
FlagFate fate_on_cluster(std::string_view command, std::string_view flag);

// Warns of flags that have no effect; Code::unsupported for one that is refused.
Result<> judge_flags(const Invocation& invocation);

}  // namespace consort::cli
