// Whether the user has interrupted the command, for code that then must not wait for another process.
#pragma once

#include <chrono>

namespace consort::cli {

// After an interrupt, a reader that has read nothing for this long is no longer waited for.
inline constexpr std::chrono::milliseconds patience_after_interrupt{100};

// Since the first call of interrupt_descriptor() (signals.hpp), regardless of whether the descriptor has been read.
bool has_been_interrupted();

}  // namespace consort::cli
