#include "base/os/files/attributes.hpp"

#include <sys/xattr.h>

#include <cerrno>

#include "base/strings.hpp"

namespace consort {

namespace {

// The kernel's limit for all of a file's attribute names together, and for one value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
constexpr std::size_t most = 65536;

// Most files have no attributes or short ones, so a small buffer is tried first.
template <typename Read>
ssize_t read_whole(std::string& into, const Read& read) {
  ssize_t length = -1;
  for (const std::size_t size : {std::size_t{256}, most}) {
    into.resize(size);
    length = read(into.data(), into.size());
    if (length >= 0 || errno != ERANGE) break;
  }
  into.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return length;
}

template <typename Read>
Result<std::vector<std::string>> names_of(const Read& read) {
  std::string names;
  if (read_whole(names, read) < 0 && errno != ENOTSUP) return fail_errno("list extended attributes");
  if (names.empty()) return std::vector<std::string>();
  names.pop_back();  // each ends with a zero
  return split(names, '\0');
}

}  // namespace

Result<std::vector<std::string>> attribute_names(int fd) {
  return names_of([&](char* into, std::size_t size) { return ::flistxattr(fd, into, size); });
}

Result<std::vector<std::string>> attribute_names(const std::string& path) {
  return names_of([&](char* into, std::size_t size) { return ::llistxattr(path.c_str(), into, size); });
}

Result<std::string> read_attribute(int fd, const std::string& name) {
  std::string value;
  const auto read = [&](char* into, std::size_t size) { return ::fgetxattr(fd, name.c_str(), into, size); };
  if (read_whole(value, read) < 0) return fail_errno("read extended attribute", name);
  return value;
}

Result<std::string> read_attribute(const std::string& path, const std::string& name) {
  std::string value;
  const auto read = [&](char* into, std::size_t size) { return ::lgetxattr(path.c_str(), name.c_str(), into, size); };
  if (read_whole(value, read) < 0) return fail_errno("read attribute " + name + " of", path);
  return value;
}

}  // namespace consort
