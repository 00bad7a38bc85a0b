// Whether the user has asked to come to an end, for who must not wait for somebody else then.
#pragma once

#include <chrono>

namespace consort::cli {

// Whose reader has taken nothing for so long no longer waits, once the user has asked for an end.
inline constexpr std::chrono::milliseconds patience_after_interrupt{100};

// Since interrupt_descriptor() (signals.hpp) was called first; whoever reads that, and whether they have yet.
bool has_been_interrupted();

}  // namespace consort::cli
