#include "base/os/files/link.hpp"

#include <unistd.h>

#include <array>
#include <climits>

namespace consort {

Result<std::string> read_link_at(int directory, const std::string& name, const std::string& shown) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (length < 0) return fail_errno("read link", shown);
  return std::string(target.data(), static_cast<std::size_t>(length));
}

}  // namespace consort
