#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/link.hpp"
#include "image/layer_tar.hpp"
#include "image/tar/overlay_form.hpp"
#include "image/tar/tar_writer.hpp"

namespace consort::image {

namespace {

constexpr int max_depth = 512;  // a descriptor each; deeper than any path that can be named

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<std::vector<std::string>> sorted_names(int directory) {
  Fd copy = TRY(open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, DirCloser> stream(::fdopendir(copy.get()));
  if (!stream) return fail_errno("list folder");
  copy.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno) return fail_errno("list folder");
  std::ranges::sort(names);
  return names;
}

bool is_kept_attribute(std::string_view name) {
  if (is_overlay_attribute(name)) return false;
  return name == "security.capability" || name.starts_with("user.");
}

// Of the file behind a path that may be a link: the link's own.
Result<std::map<std::string, std::string>> attributes_of(const std::string& path) {
  std::map<std::string, std::string> found;
  std::array<char, 65536> names;
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  if (size <= 0) return found;  // none, or not supported here
  for (const char* at = names.data(); at < names.data() + size; at += std::strlen(at) + 1) {
    if (!is_kept_attribute(at)) continue;
    std::string value(65536, '\0');
    const ssize_t length = ::lgetxattr(path.c_str(), at, value.data(), value.size());
    if (length < 0) return fail_errno("read attribute " + std::string(at) + " of", path);
    value.resize(static_cast<std::size_t>(length));
    found[at] = std::move(value);
  }
  return found;
}

class Packer {
 public:
  Packer(TarWriter& tar, const PackOptions& options) : tar_(tar), options_(options) {}

  Result<> root(const std::string& directory) {
    const Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return fail_errno("look at", directory);
    // Named only if it says something: most tools leave the root out.
    if ((st.st_mode & 07777) != 0755 || st.st_uid != 0 || st.st_gid != 0) TRY(tar_.add(header_of(st, "./")));
    return folder(fd.get(), "", 0);
  }

  Result<> single(int folder, const std::string& name, const std::string& as) { return entry(folder, name, as, 0); }

  std::uint64_t bytes() const { return bytes_; }

 private:
  TarHeader header_of(const struct stat& st, const std::string& path) const {
    TarHeader header;
    header.path = path;
    header.mode = st.st_mode & 07777;
    header.uid = st.st_uid;
    header.gid = st.st_gid;
    header.mtime = st.st_mtim.tv_sec;
    switch (st.st_mode & S_IFMT) {
      case S_IFDIR:
        header.type = '5';
        break;
      case S_IFLNK:
        header.type = '2';
        break;
      case S_IFCHR:
        header.type = '3';
        break;
      case S_IFBLK:
        header.type = '4';
        break;
      case S_IFIFO:
        header.type = '6';
        break;
      default:
        header.type = '0';
        break;
    }
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
      header.device_major = ::major(st.st_rdev);
      header.device_minor = ::minor(st.st_rdev);
    }
    return header;
  }

  Result<> folder(int fd, const std::string& prefix, int depth) {
    if (depth > max_depth) return fail(Error(Code::invalid, "pack").on(prefix.substr(0, 200)).why("nested too deeply"));
    if (options_.whiteouts == PackOptions::Whiteouts::oci && is_opaque(fd))
      TRY(marker(fd, prefix + std::string(opaque_marker)));
    for (const std::string& name : TRY(sorted_names(fd))) {
      if (options_.cancel.stop_requested()) return fail(Code::interrupted, "pack");
      if (std::ranges::find(options_.leave_out, prefix + name) != options_.leave_out.end()) continue;
      TRY(entry(fd, name, prefix + name, depth));
    }
    return {};
  }

  Result<> marker(int fd, const std::string& path) {
    struct stat st;
    if (::fstat(fd, &st) != 0) return fail_errno("look at", path);
    return empty_file(path, st.st_mtim.tv_sec);
  }

  Result<> empty_file(const std::string& path, std::int64_t mtime) {
    TarHeader header;
    header.path = path;
    header.mode = 0600;
    header.mtime = mtime;
    return tar_.add(header);
  }

  Result<> entry(int parent, const std::string& name, const std::string& path, int depth) {
    struct stat st;
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", path);
    if (S_ISSOCK(st.st_mode)) return {};
    if (is_whiteout(st)) {
      if (options_.whiteouts == PackOptions::Whiteouts::none) return {};
      const std::size_t slash = path.rfind('/') + 1;  // npos + 1 = 0
      return empty_file(path.substr(0, slash) + std::string(whiteout_prefix) + name, st.st_mtim.tv_sec);
    }
    TarHeader header = header_of(st, path);
    header.xattrs = TRY(attributes_of("/proc/self/fd/" + std::to_string(parent) + "/" + name));
    if (S_ISREG(st.st_mode)) return file(parent, name, st, std::move(header));
    if (S_ISLNK(st.st_mode)) header.link = TRY(read_link_at(parent, name));
    if (S_ISDIR(st.st_mode)) {
      header.path += '/';
      TRY(tar_.add(header));
      const Fd child = TRY(open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      return folder(child.get(), path + "/", depth + 1);
    }
    return tar_.add(header);
  }

  Result<> file(int parent, const std::string& name, const struct stat& st, TarHeader header) {
    if (st.st_nlink > 1) {
      const auto [first, fresh] = links_.emplace(std::pair(st.st_dev, st.st_ino), header.path);
      if (!fresh) {
        header.type = '1';
        header.link = first->second;
        header.xattrs.clear();
        return tar_.add(header);
      }
    }
    const Fd fd = TRY(open_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NOATIME));
    header.size = static_cast<std::uint64_t>(st.st_size);
    bytes_ += header.size;
    return tar_.add_file(header, fd.get(), options_.cancel);
  }

  TarWriter& tar_;
  const PackOptions& options_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<std::uint64_t> pack_layer(const std::string& directory, const ByteSink& sink, const PackOptions& options) {
  TarWriter tar(sink);
  Packer packer(tar, options);
  TRY_WRAP(packer.root(directory), "pack", directory);
  TRY(tar.finish());
  return packer.bytes();
}

Result<> pack_entry(int folder, const std::string& name, const std::string& as, const ByteSink& sink,
                    const PackOptions& options) {
  TarWriter tar(sink);
  Packer packer(tar, options);
  TRY_WRAP(packer.single(folder, name, as), "pack", name);
  return tar.finish();
}

}  // namespace consort::image
