#include "runtime/exe_seal.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "runtime/launch/child_files.hpp"
#include "runtime/launch/rootfs.hpp"

namespace consort::runtime {

namespace {

constexpr const char* own_file = "/proc/self/exe";
constexpr const char* tried = "CONSORT_SEAL_TRIED";
constexpr int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

Result<Fd> open_by_mount(const std::string& path) {
  Fd tree = TRY(internal::clone_path(path, internal::Recursion::none));
  if (internal::set_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, false) != 0)
    return fail_errno("make read-only", path);
  return tree;
}

Result<Fd> open_by_copy(const std::string& path) {
  const Fd from = TRY(open_file(path, O_RDONLY));
  struct stat st;
  if (::fstat(from.get(), &st) != 0) return fail_errno("look at", path);
  Fd copy(::memfd_create("consort", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return fail_errno("create memory file");
  for (off_t left = st.st_size; left > 0;) {
    const ssize_t sent = ::sendfile(copy.get(), from.get(), nullptr, static_cast<std::size_t>(left));
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return fail_errno("copy", path);
    left -= sent;
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, all_seals) != 0) return fail_errno("seal copy of", path);
  return copy;
}

}  // namespace

bool running_sealed() {
  struct statvfs st;
  if (::statvfs(own_file, &st) == 0 && (st.f_flag & ST_RDONLY)) return true;
  const Fd fd(::open(own_file, O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_WRITE);
}

Result<Fd> open_sealed(const std::string& path) {
  Result<Fd> mount = open_by_mount(path);
  if (mount) return mount;
  Result<Fd> copy = open_by_copy(path);
  if (copy) return copy;
  return fail(std::move(copy).error().wrap("protect program").also(std::move(mount).error()));
}

Result<> reexec_sealed(char** argv, char** environment) {
  if (running_sealed()) {
    ::unsetenv(tried);
    return {};
  }
  if (::getenv(tried)) return fail(Code::internal, "protect program", "a second time");
  const Fd fd = TRY(open_sealed(own_file));
  std::vector<char*> marked;
  for (char** entry = environment; *entry; ++entry) marked.push_back(*entry);
  std::string mark = std::string(tried) + "=1";
  marked.push_back(mark.data());
  marked.push_back(nullptr);
  ::fexecve(fd.get(), argv, marked.data());
  return fail_errno("execute", own_file);
}

}  // namespace consort::runtime
