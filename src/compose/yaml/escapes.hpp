// Escape sequences of double-quoted scalars, shared by scanner and emitter.
#pragma once

#include <array>

namespace consort::compose::yaml {

struct Escape {
  char letter;
  char32_t character;
};

// If several letters stand for the same character, the emitter uses the first.
inline constexpr std::array<Escape, 19> escapes{{
    {'0', 0x00},  {'a', 0x07}, {'b', 0x08}, {'t', 0x09},   {'\t', 0x09},  {'n', 0x0A},  {'v', 0x0B},
    {'f', 0x0C},  {'r', 0x0D}, {'e', 0x1B}, {' ', 0x20},   {'"', 0x22},   {'\'', 0x27}, {'/', 0x2F},
    {'\\', 0x5C}, {'N', 0x85}, {'_', 0xA0}, {'L', 0x2028}, {'P', 0x2029},
}};

}  // namespace consort::compose::yaml
