#include "base/limit_text.hpp"

#include <array>

namespace consort {

std::string limit_text(std::uint64_t bytes) {
  constexpr std::uint64_t step = 1024;
  constexpr std::array units{" bytes", " KiB", " MiB", " GiB", " TiB"};
  std::uint64_t number = bytes % step == 1 ? bytes - 1 : bytes;
  std::size_t power = 0;
  while (number >= step && number % step == 0 && power + 1 < units.size()) {
    number /= step;
    ++power;
  }
  return power == 0 ? std::to_string(bytes) + units[0] : std::to_string(number) + units.at(power);
}

}  // namespace consort
