#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/files/attributes.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/os/trees/directory.hpp"
#include "image/container_tar.hpp"
#include "image/pack_files.hpp"
#include "image/tar/overlay_form.hpp"
#include "image/tar/tar_writer.hpp"

namespace consort::image {

namespace {

// Longer paths can be created step by step, but no tar program could unpack them.
constexpr std::size_t longest_path = PATH_MAX - 1;

// In reverse order.
Result<std::vector<std::string>> names_to_take(int directory) {
  std::vector<std::string> names = TRY(list_directory(directory));
  std::ranges::sort(names, std::greater<>());
  return names;
}

bool is_kept_attribute(std::string_view name) {
  if (is_overlay_attribute(name)) return false;
  return name == "security.capability" || name.starts_with("user.");
}

// For a path that may be a symlink: the symlink's own attributes.
Result<std::map<std::string, std::string>> attributes_of(const std::string& path) {
  std::map<std::string, std::string> found;
  for (const std::string& name : TRY(attribute_names(path)))
    if (is_kept_attribute(name)) found[name] = TRY(read_attribute(path, name));
  return found;
}

class Packer {
 public:
  Packer(TarWriter& tar, const PackOptions& options, std::uint32_t first_owner = 0)
      : tar_(tar), options_(options), first_owner_(first_owner) {}

  Result<> root(const std::string& directory) {
    Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return fail_errno("look at", directory);
    // Included only if it is not the default: most tools omit the root.
    if ((st.st_mode & 07777) != 0755 || owner_of(st.st_uid) != 0 || owner_of(st.st_gid) != 0)
      TRY(tar_.add(header_of(st, "./")));
    return tree(std::move(fd), "");
  }

  Result<> single(int directory, const std::string& name, const std::string& as) {
    if (!TRY(entry(directory, name, as))) return {};
    return tree(TRY(open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)), as + "/");
  }

  // Returns false if it does not exist.
  Result<bool> chosen(int root, const ChosenFile& file) {
    const Result<Fd> directory = open_in_root(root, dir_name(file.path), O_PATH | O_DIRECTORY);
    if (!directory)
      return absent(directory.error())
                 ? Result<bool>(false)
                 : fail(errno_error(directory.error().sys_errno(), "open directory of", file.path));
    Result<bool> packed = entry(directory->get(), base_name(file.path), file.as);
    if (packed) return true;
    if (absent(packed.error())) return false;
    return packed;
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  static bool absent(const Error& error) { return error.sys_errno() == ENOENT || error.sys_errno() == ENOTDIR; }

  // Ids below first_owner_ are not mapped.
  std::uint32_t owner_of(std::uint32_t id) const { return id < first_owner_ ? id : id - first_owner_; }

  TarHeader header_of(const struct stat& st, const std::string& path) const {
    TarHeader header;
    header.path = path;
    header.mode = st.st_mode & 07777;
    header.uid = owner_of(st.st_uid);
    header.gid = owner_of(st.st_gid);
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

  struct Level {
    std::string prefix;              // of the paths in this directory
    std::vector<std::string> names;  // still to be packed
  };

  Result<Level> level(int fd, std::string prefix) {
    if (options_.whiteouts == PackOptions::Whiteouts::oci && is_opaque(fd))
      TRY(marker(fd, prefix + std::string(opaque_marker)));
    std::vector<std::string> names = TRY(names_to_take(fd));
    return Level{std::move(prefix), std::move(names)};
  }

  // Everything below a directory that is already in the archive.
  Result<> tree(Fd root, const std::string& prefix) {
    DirectoryCursor at = TRY(DirectoryCursor::at(std::move(root), DirectoryCursor::Mounts::enter));
    std::vector<Level> levels;
    levels.push_back(TRY(level(at.fd(), prefix)));
    while (!levels.empty()) {
      if (options_.cancel.stop_requested()) return fail(Code::interrupted, "pack");
      Level& here = levels.back();
      if (here.names.empty()) {
        levels.pop_back();
        if (!levels.empty()) TRY(at.leave());
        continue;
      }
      const std::string name = std::move(here.names.back());
      here.names.pop_back();
      const std::string path = here.prefix + name;
      if (path.size() > longest_path)
        return fail(Error(Code::invalid, "pack").on(path.substr(0, 200) + "...").why("nested too deeply"));
      if (std::ranges::find(options_.leave_out, path) != options_.leave_out.end()) continue;
      if (!TRY(entry(at.fd(), name, path))) continue;
      TRY(at.enter(name));
      levels.push_back(TRY(level(at.fd(), path + "/")));
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

  // Returns true for a directory, whose content is packed next.
  Result<bool> entry(int parent, const std::string& name, const std::string& path) {
    struct stat st;
    if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", path);
    if (S_ISSOCK(st.st_mode)) return false;
    if (is_whiteout(st)) {
      if (options_.whiteouts == PackOptions::Whiteouts::none) return false;
      const std::size_t slash = path.rfind('/') + 1;  // npos + 1 = 0
      TRY(empty_file(path.substr(0, slash) + std::string(whiteout_prefix) + name, st.st_mtim.tv_sec));
      return false;
    }
    TarHeader header = header_of(st, path);
    header.xattrs = TRY(attributes_of("/proc/self/fd/" + std::to_string(parent) + "/" + name));
    if (S_ISREG(st.st_mode)) {
      TRY(file(parent, name, st, std::move(header)));
      return false;
    }
    if (S_ISLNK(st.st_mode)) header.link = TRY(read_link_at(parent, name));
    if (S_ISDIR(st.st_mode)) header.path += '/';
    TRY(tar_.add(header));
    return S_ISDIR(st.st_mode);
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
    const Fd fd = TRY(open_plain_at(parent, name, O_RDONLY | O_NOATIME));
    header.size = static_cast<std::uint64_t>(st.st_size);
    bytes_ += header.size;
    return tar_.add_file(header, fd.get(), options_.cancel);
  }

  TarWriter& tar_;
  const PackOptions& options_;
  std::uint32_t first_owner_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<std::uint64_t> pack_layer(const std::string& directory, const ByteSink& sink, const PackOptions& options) {
  return pack_layer_of(0, directory, sink, options);
}

Result<std::uint64_t> pack_layer_of(std::uint32_t first_owner, const std::string& directory, const ByteSink& sink,
                                    const PackOptions& options) {
  TarWriter tar(sink);
  Packer packer(tar, options, first_owner);
  TRY_WRAP(packer.root(directory), "pack", directory);
  TRY(tar.finish());
  return packer.bytes();
}

Result<> pack_entry(int directory, const std::string& name, const std::string& as, const ByteSink& sink,
                    const PackOptions& options) {
  return pack_entry_of(0, directory, name, as, sink, options);
}

Result<> pack_entry_of(std::uint32_t first_owner, int directory, const std::string& name, const std::string& as,
                       const ByteSink& sink, const PackOptions& options) {
  TarWriter tar(sink);
  Packer packer(tar, options, first_owner);
  TRY_WRAP(packer.single(directory, name, as), "pack", name);
  return tar.finish();
}

Result<std::vector<std::size_t>> pack_files(int root, std::span<const ChosenFile> files, const ByteSink& sink,
                                            const PackOptions& options) {
  TarWriter tar(sink);
  Packer packer(tar, options);
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (options.cancel.stop_requested()) return fail(Code::interrupted, "pack");
    if (!TRY_WRAP(packer.chosen(root, files[i]), "pack", files[i].path)) missing.push_back(i);
  }
  TRY(tar.finish());
  return missing;
}

}  // namespace consort::image
