#pragma once

#include <cstdint>
#include <string>

namespace consort {

// A limit for a reader: "16 MiB", "1000 bytes". One byte more than a round size is that size: so much is asked for to
// see whether there is more.
std::string limit_text(std::uint64_t bytes);

}  // namespace consort
