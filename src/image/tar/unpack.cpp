#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <unordered_map>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/path_walk.hpp"
#include "image/container_tar.hpp"
#include "image/tar/overlay_form.hpp"
#include "image/tar/tar_reader.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_cached_directories = 64;

// Call right after a failed chown.
std::unexpected<Error> owner_error(const TarEntry& entry, const std::string& name) {
  Error error = errno_error(errno, "set owner of", name);
  if (error.sys_errno() == EINVAL) {  // in a user namespace, the id is not mapped
    error.data().why = "owner " + std::to_string(entry.uid) + ":" + std::to_string(entry.gid) + " is not mapped here";
    error.data().hint = "add more subordinate IDs for this user in /etc/subuid and /etc/subgid";
  }
  return fail(std::move(error));
}

std::unexpected<Error> hostile(const TarEntry& entry, std::string why) {
  return fail(Error(Code::invalid, "unpack")
                  .on("\"" + entry.path.substr(0, 300) + "\"")
                  .why(std::move(why))
                  .about(Subject::archive_entry, entry.path));
}

// "usr/bin/x" -> {"usr/bin", "x"}; the directory itself is {"", ""}.
struct Place {
  std::string directory, name;
};

std::optional<Place> place_of(const std::string& path) {
  // As an absolute path, ".." at the top would vanish silently; as a relative one it is detected.
  const std::size_t start = path.find_first_not_of('/');
  if (start == std::string::npos) return Place{};
  const std::string cleaned = clean_path(std::string_view(path).substr(start));
  if (cleaned == ".." || cleaned.starts_with("../")) return std::nullopt;
  if (cleaned == ".") return Place{};
  const std::size_t slash = cleaned.rfind('/');
  if (slash == std::string::npos) return Place{"", cleaned};
  return Place{cleaned.substr(0, slash), cleaned.substr(slash + 1)};
}

class Unpacker {
 public:
  Unpacker(Fd root, const UnpackOptions& options, std::uint32_t first_owner)
      : root_(std::move(root)), options_(options), first_owner_(first_owner) {}

  Result<UnpackReport> run(TarReader& tar);

 private:
  struct Deferred {
    mode_t mode;
    timespec mtime;
  };

  Result<> unpack(const TarEntry& entry, TarReader& tar);
  Result<bool> apply_whiteout(const TarEntry& entry, const Place& place);
  Result<> make_opaque(const TarEntry& entry, const std::string& directory);
  Result<std::shared_ptr<const Fd>> directory(const std::string& path);
  Result<Fd> make_all_directories(const std::string& path);
  Result<bool> replace(int parent, const std::string& name, TarEntry::Type by);
  Result<> make_file(const TarEntry& entry, int parent, const std::string& name, TarReader& tar);
  Result<> write_data(const TarEntry& entry, int fd, TarReader& tar);
  Result<> make_directory(const TarEntry& entry, int parent, const Place& place);
  Result<> make_hard_link(const TarEntry& entry, int parent, const std::string& name);
  Result<> make_special(const TarEntry& entry, int parent, const std::string& name);
  Result<> set_attributes(const TarEntry& entry, const std::string& path, int fd);
  Result<> describe(const TarEntry& entry, int parent, const std::string& name);
  Result<> finish_directories();
  Result<> progress(TarReader& tar);

  Fd root_;
  const UnpackOptions& options_;
  std::uint32_t first_owner_;
  // Shared, so that the one in use survives when the cache is cleared.
  std::unordered_map<std::string, std::shared_ptr<const Fd>> directories_;
  // Modes and times of directories are set at the end: filling them changes their time, and a setgid bit would change
  // the group of what is created inside.
  std::unordered_map<std::string, Deferred> deferred_;
  UnpackReport report_;
};

Result<UnpackReport> Unpacker::run(TarReader& tar) {
  const ActingAs acting = TRY(ActingAs::begin(first_owner_));
  for (;;) {
    auto entry = TRY(tar.next());
    if (!entry) break;
    if (options_.owner) {
      entry->uid = options_.owner->uid;
      entry->gid = options_.owner->gid;
    }
    if (first_owner_ != 0 && (entry->uid >= container_ids || entry->gid >= container_ids))
      return fail(Error(Code::invalid, "unpack").on(entry->path).why("its owner is not a user of the container"));
    entry->uid += first_owner_;
    entry->gid += first_owner_;
    if (has_one_user()) entry->uid = entry->gid = 0;  // other users are not available
    if (++report_.entries > options_.limits.max_entries)
      return fail(Error(Code::invalid, "unpack")
                      .why("more than the limit of " + std::to_string(options_.limits.max_entries) + " entries"));
    TRY(progress(tar));
    TRY(unpack(*entry, tar));
  }
  TRY(tar.drain());
  TRY(finish_directories());
  return report_;
}

Result<> Unpacker::progress(TarReader& tar) {
  if (options_.cancel.stop_requested()) return fail(Code::interrupted, "unpack");
  if (options_.on_bytes) options_.on_bytes(tar.bytes_read());
  return {};
}

Result<> Unpacker::unpack(const TarEntry& entry, TarReader& tar) {
  const auto place = place_of(entry.path);
  if (!place) return hostile(entry, "the name leads out of the layer");
  if (place->name.empty()) {
    if (entry.type != TarEntry::Type::directory) return hostile(entry, "the layer's root must be a directory");
    if (::fchownat(root_.get(), "", entry.uid, entry.gid, AT_EMPTY_PATH) != 0) return owner_error(entry, "/");
    deferred_["."] = {static_cast<mode_t>(entry.mode), entry.mtime};
    return {};
  }
  if (options_.whiteouts == UnpackOptions::Whiteouts::overlay && TRY(apply_whiteout(entry, *place))) return {};
  const auto holder = TRY_WRAP(directory(place->directory), "unpack", "\"" + entry.path.substr(0, 300) + "\"");
  const int parent = holder->get();
  const auto make = [&]() -> Result<> {
    switch (entry.type) {
      case TarEntry::Type::file:
        return make_file(entry, parent, place->name, tar);
      case TarEntry::Type::directory:
        return make_directory(entry, parent, *place);
      case TarEntry::Type::hard_link:
        return make_hard_link(entry, parent, place->name);
      default:
        return make_special(entry, parent, place->name);
    }
  };
  if (Result<> made = make(); !made) {
    const bool names_it = made.error().subject() == Subject::archive_entry;
    if (names_it || made.error().code() == Code::interrupted) return made;
    return fail(std::move(made).error().wrap("unpack", "\"" + entry.path.substr(0, 300) + "\""));
  }
  return {};
}

Result<bool> Unpacker::apply_whiteout(const TarEntry& entry, const Place& place) {
  if (!place.name.starts_with(whiteout_prefix)) return false;
  if (place.name == opaque_marker) {
    TRY(make_opaque(entry, place.directory));
    return true;
  }
  if (place.name.starts_with(whiteout_meta_prefix)) return true;
  const std::string name = place.name.substr(whiteout_prefix.size());
  if (name.empty() || name == "." || name == "..") return hostile(entry, "a whiteout of no name");
  const auto holder = TRY(directory(place.directory));
  const int parent = holder->get();
  const Result<> made = make_whiteout(parent, name.c_str());
  if (made) {  // with its time, too: the layer that is packed from these files must be identical to this one
    const std::array<timespec, 2> times{entry.mtime, entry.mtime};
    if (::utimensat(parent, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("set time of", name);
    return true;
  }
  if (made.error().sys_errno() != EEXIST)
    return fail(Error(Code::io, "unpack").on(entry.path).why(made.error().message()));
  // A whiteout only affects the layers below. An entry of this layer itself stays, and if it is a directory, only its
  // own content is visible.
  struct stat st;
  if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", name);
  if (S_ISDIR(st.st_mode)) TRY(make_opaque(entry, place.directory.empty() ? name : place.directory + "/" + name));
  return true;
}

Result<> Unpacker::make_opaque(const TarEntry& entry, const std::string& path) {
  (void)TRY(directory(path));
  Result<Fd> fd = open_in_root(root_.get(), path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(std::move(fd).error().wrap("unpack", entry.path).about(Subject::archive_entry, entry.path));
  return set_opaque(fd->get());
}

Result<std::shared_ptr<const Fd>> Unpacker::directory(const std::string& path) {
  if (const auto found = directories_.find(path); found != directories_.end()) return found->second;
  if (directories_.size() >= max_cached_directories) directories_.clear();
  Result<Fd> fd = open_in_root(root_.get(), path.empty() ? "." : path, O_PATH | O_DIRECTORY);
  if (!fd && fd.error().sys_errno() == ENOENT) {
    const bool layer = options_.whiteouts == UnpackOptions::Whiteouts::overlay;
    fd = layer ? make_directories_in_root(root_.get(), path) : make_all_directories(path);
  }
  if (!fd) return fail(std::move(fd).error());
  return directories_.emplace(path, std::make_shared<const Fd>(std::move(*fd))).first->second;
}

// Creates directories that the tar implies, as Docker does for ADD: through dangling symlinks, and without inheriting
// anything from a setgid directory.
Result<Fd> Unpacker::make_all_directories(const std::string& path) {
  PathWalk walk(path);
  while (walk.next()) {
    const std::string above = walk.parent();
    const Fd parent = TRY(open_in_root(root_.get(), above.empty() ? "." : above, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    const char* name = walk.name().c_str();
    struct stat st;
    if (::fstatat(parent.get(), name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
      if (S_ISLNK(st.st_mode)) TRY(walk.follow(TRY(read_link_at(parent.get(), name, path))));
      continue;
    }
    if (::mkdirat(parent.get(), name, 0755) != 0 ||
        ::fchownat(parent.get(), name, first_owner_, first_owner_, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(parent.get(), name, 0755, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("create directory", walk.here());
  }
  return open_in_root(root_.get(), walk.here().empty() ? "." : walk.here(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

// Removes an earlier entry of the same tar: the last one wins. Returns true if it was a whiteout.
Result<bool> Unpacker::replace(int parent, const std::string& name, TarEntry::Type by) {
  struct stat st;
  if (::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno("look at", name);
  }
  if (S_ISDIR(st.st_mode)) {
    if (by == TarEntry::Type::directory) return false;
    directories_.clear();  // may contain this directory or some below it
    TRY(remove_tree("/proc/self/fd/" + std::to_string(parent) + "/" + name));
    return false;
  }
  if (::unlinkat(parent, name.c_str(), 0) != 0) return fail_errno("remove", name);
  return is_whiteout(st);
}

Result<> Unpacker::make_file(const TarEntry& entry, int parent, const std::string& name, TarReader& tar) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  Result<Fd> fd = open_at(parent, name, flags, 0600);
  if (!fd && fd.error().sys_errno() == EEXIST) {
    (void)TRY(replace(parent, name, entry.type));
    fd = open_at(parent, name, flags, 0600);
  }
  if (!fd) return fail(std::move(fd).error());
  TRY(write_data(entry, fd->get(), tar));
  // In this order, because chown clears setuid bits and capabilities, and a write changes the time. The current owner
  // must be read: a setgid directory gives its group to new entries.
  struct stat st;
  if (::fstat(fd->get(), &st) != 0) return fail_errno("look at", name);
  if ((entry.uid != st.st_uid || entry.gid != st.st_gid) && ::fchown(fd->get(), entry.uid, entry.gid) != 0)
    return owner_error(entry, name);
  if (::fchmod(fd->get(), entry.mode) != 0) return fail_errno("set mode of", name);
  TRY(set_attributes(entry, "", fd->get()));
  const std::array<timespec, 2> times{entry.mtime, entry.mtime};
  if (::futimens(fd->get(), times.data()) != 0) return fail_errno("set time of", name);
  return {};
}

Result<> Unpacker::write_data(const TarEntry& entry, int fd, TarReader& tar) {
  if (entry.sparse && ::ftruncate(fd, static_cast<off_t>(entry.size)) != 0)
    return fail_errno("set size of", entry.path);
  std::size_t extent = 0;
  std::uint64_t done = 0;  // of the extent
  for (;;) {
    std::span<const std::byte> bytes = TRY(tar.data());
    if (bytes.empty()) return {};
    TRY(progress(tar));
    report_.bytes += bytes.size();
    if (!entry.sparse) {
      TRY(write_full(fd, bytes));
      continue;
    }
    while (!bytes.empty()) {
      const TarEntry::Extent& place = entry.extents.at(extent);
      const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), place.length - done));
      if (::lseek(fd, static_cast<off_t>(place.offset + done), SEEK_SET) < 0) return fail_errno("seek in", entry.path);
      TRY(write_full(fd, bytes.first(part)));
      bytes = bytes.subspan(part);
      done += part;
      while (extent < entry.extents.size() && done == entry.extents[extent].length) {
        ++extent;
        done = 0;
      }
    }
  }
}

Result<> Unpacker::make_directory(const TarEntry& entry, int parent, const Place& place) {
  const std::string path = place.directory.empty() ? place.name : place.directory + "/" + place.name;
  bool over_whiteout = false;
  if (::mkdirat(parent, place.name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return fail_errno("create directory", place.name);
    over_whiteout = TRY(replace(parent, place.name, entry.type));
    if (::mkdirat(parent, place.name.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno("create directory", place.name);
  }
  if (over_whiteout) TRY(make_opaque(entry, path));
  if (::fchownat(parent, place.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return owner_error(entry, place.name);
  if (!entry.xattrs.empty()) {
    const Fd fd = TRY(open_at(parent, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(set_attributes(entry, "", fd.get()));
  }
  deferred_[path] = {static_cast<mode_t>(entry.mode), entry.mtime};
  return {};
}

Result<> Unpacker::make_hard_link(const TarEntry& entry, int parent, const std::string& name) {
  const auto target = place_of(entry.link);
  if (!target || target->name.empty()) return hostile(entry, "the hard link leads out of the layer");
  const auto missing = [&] {
    return hostile(entry, "the hard link's target \"" + entry.link + "\" is not in the layer");
  };
  const Result<Fd> target_directory =
      open_in_root(root_.get(), target->directory.empty() ? "." : target->directory, O_PATH | O_DIRECTORY);
  if (!target_directory) {
    const int number = target_directory.error().sys_errno();
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) return missing();
    return fail(errno_error(number, "find target of hard link", entry.link));
  }
  const auto link = [&] {
    return ::linkat(target_directory->get(), target->name.c_str(), parent, name.c_str(), 0) == 0;
  };
  if (link()) return {};
  if (errno == EEXIST) {
    (void)TRY(replace(parent, name, entry.type));
    if (link()) return {};
  }
  if (errno == ENOENT) return missing();
  return fail_errno("create hard link to", entry.link);
}

Result<> Unpacker::make_special(const TarEntry& entry, int parent, const std::string& name) {
  const auto make = [&]() -> int {
    switch (entry.type) {
      case TarEntry::Type::symlink:
        return ::symlinkat(entry.link.c_str(), parent, name.c_str());
      case TarEntry::Type::fifo:
        return ::mkfifoat(parent, name.c_str(), 0600);
      default:
        return ::mknodat(parent, name.c_str(), (entry.type == TarEntry::Type::block ? S_IFBLK : S_IFCHR) | 0600,
                         ::makedev(entry.device_major, entry.device_minor));
    }
  };
  int made = make();
  if (made != 0 && errno == EEXIST) {
    (void)TRY(replace(parent, name, entry.type));
    made = make();
  }
  const bool device = entry.type == TarEntry::Type::block || entry.type == TarEntry::Type::character;
  // Without root, device nodes cannot be created; containers get their own /dev, so they are not needed.
  if (made != 0 && errno == EPERM && device) return {};
  if (made != 0) return fail_errno("create", name);
  TRY(describe(entry, parent, name));
  // A symlink may change the target of later paths. After describe(), because `parent` is one of these directories.
  if (entry.type == TarEntry::Type::symlink) directories_.clear();
  return {};
}

Result<> Unpacker::describe(const TarEntry& entry, int parent, const std::string& name) {
  if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) return owner_error(entry, name);
  if (entry.type != TarEntry::Type::symlink && ::fchmodat(parent, name.c_str(), entry.mode, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("set mode of", name);
  if (!entry.xattrs.empty()) TRY(set_attributes(entry, "/proc/self/fd/" + std::to_string(parent) + "/" + name, -1));
  const std::array<timespec, 2> times{entry.mtime, entry.mtime};
  if (::utimensat(parent, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set time of", name);
  return {};
}

// By fd, or by path if fd is -1. Attributes that the file system or our privileges do not allow are skipped, as in
// Docker.
Result<> Unpacker::set_attributes(const TarEntry& entry, const std::string& path, int fd) {
  for (const auto& [key, value] : entry.xattrs) {
    if (is_overlay_attribute(key) || key.find('\0') != std::string::npos) continue;
    const int done = fd >= 0 ? ::fsetxattr(fd, key.c_str(), value.data(), value.size(), 0)
                             : ::lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0);
    if (done == 0 || errno == EOPNOTSUPP || errno == EPERM) continue;
    return fail_errno("set attribute " + key.substr(0, 100) + " of", entry.path);
  }
  return {};
}

Result<> Unpacker::finish_directories() {
  for (const auto& [path, last] : deferred_) {
    // A later entry may have replaced it by a symlink, which must not be followed.
    const Result<Fd> fd = open_in_root(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) {
      const int number = fd.error().sys_errno();
      if (number == ENOENT || number == ENOTDIR || number == ELOOP) continue;
      return fail(errno_error(number, "open directory", path));
    }
    if (::fchmod(fd->get(), last.mode) != 0) return fail_errno("set mode of", path);
    const std::array<timespec, 2> times{last.mtime, last.mtime};
    if (::futimens(fd->get(), times.data()) != 0) return fail_errno("set time of", path);
  }
  return {};
}

}  // namespace

Result<UnpackReport> unpack_layer(const ByteSource& tar, const std::string& directory, const UnpackOptions& options) {
  return unpack_for(0, tar, directory, options);
}

Result<UnpackReport> unpack_for(std::uint32_t first_owner, const ByteSource& tar, const std::string& directory,
                                const UnpackOptions& options) {
  Fd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TarReader reader(tar, options.limits.max_bytes);
  Unpacker unpacker(std::move(root), options, first_owner);
  return unpacker.run(reader);
}

}  // namespace consort::image
