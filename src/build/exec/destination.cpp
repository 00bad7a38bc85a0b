#include "build/exec/destination.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "base/os/files/attributes.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/path_walk.hpp"
#include "base/strings.hpp"

namespace consort::build {
namespace {

struct timespec time_of(std::int64_t ns) {
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

std::optional<struct stat> look_at(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info;
}

Result<> copy_attributes(int from, int to, const CopySettings& settings) {
  for (const auto& name : TRY(attribute_names(from))) {
    const bool wanted =
        name == "security.capability" ? settings.origin == CopySettings::Origin::stage : name.starts_with("user.");
    if (!wanted) continue;
    // A file system without extended attributes is not an error, as in BuildKit.
    if (const auto value = read_attribute(from, name)) ::fsetxattr(to, name.c_str(), value->data(), value->size(), 0);
  }
  return {};
}

Result<> copy_bytes(int from, int to, const CopySettings& settings) {
  constexpr std::size_t piece = std::size_t{16} << 20;
  bool in_kernel = true;
  std::vector<std::byte> buffer;
  while (true) {
    if (settings.canceled && settings.canceled()) return fail(Error(Code::interrupted, "copy"));
    if (in_kernel) {
      const ssize_t count = ::copy_file_range(from, nullptr, to, nullptr, piece, 0);
      if (count == 0) return {};
      if (count > 0) continue;
      if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EBADF)
        return fail_errno("write");
      in_kernel = false;
      buffer.resize(256 * 1024);
    }
    const std::size_t count = TRY(read_some(from, buffer));
    if (count == 0) return {};
    TRY(write_full(to, std::span<const std::byte>(buffer).first(count)));
  }
}

class Copier {
 public:
  Copier(const SourceTree& tree, const Selected& source, int root, const CopySettings& settings)
      : tree_(tree), source_(source), root_(root), settings_(settings) {}

  Result<> run(const std::string& target) {
    target_ = target;
    for (const auto& entry : source_.entries) {
      if (settings_.canceled && settings_.canceled()) return fail(Error(Code::interrupted, "copy"));
      const bool start = &entry == &source_.entries.front();
      if (start && S_ISDIR(entry.mode)) continue;  // already created, with its own attributes
      auto done = one(entry);
      if (!done) {
        if (done.error().code() == Code::invalid) return done;  // it already names the path
        const std::string where = "/" + (entry.path.empty() ? target_ : join_path(target_, entry.path));
        return std::unexpected(std::move(done).error().wrap("copy", where));
      }
    }
    for (auto it = directory_times_.rbegin(); it != directory_times_.rend(); ++it) {
      const struct timespec times[2] = {time_of(it->second), time_of(it->second)};
      const auto parent = parent_of(it->first);
      if (parent) ::utimensat(parent->get(), base_name(it->first).c_str(), times, AT_SYMLINK_NOFOLLOW);
    }
    return {};
  }

 private:
  Result<Fd> parent_of(const std::string& path) const {
    const std::string parent = dir_name(path);
    return open_in_root(root_, parent.empty() ? "." : parent, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  }

  Result<> one(const FileEntry& entry) {
    const std::string path = entry.path.empty() ? target_ : target_.empty() ? entry.path : target_ + "/" + entry.path;
    const std::string parent = path.find('/') == std::string::npos ? "" : path.substr(0, path.rfind('/'));
    if (!parent_ || parent != parent_path_) {
      parent_ = TRY(open_in_root(root_, parent.empty() ? "." : parent, O_PATH | O_DIRECTORY | O_NOFOLLOW));
      parent_path_ = parent;
    }
    const std::string name = base_name(path);
    const auto existing = look_at(parent_.get(), name);
    if (S_ISDIR(entry.mode)) return directory(entry, path, name, existing);
    if (existing) {
      if (S_ISDIR(existing->st_mode)) {
        return fail(Error(Code::invalid).why("cannot replace to directory /" + path + " with file"));
      }
      if (::unlinkat(parent_.get(), name.c_str(), 0) != 0) return fail_errno("replace");
    }
    if (S_ISREG(entry.mode)) return file(entry, path, name);
    if (S_ISSOCK(entry.mode) && settings_.origin == CopySettings::Origin::context) {
      TRY(open_at(parent_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      return finish(entry, name);
    }
    if (S_ISLNK(entry.mode)) {
      if (::symlinkat(entry.target.c_str(), parent_.get(), name.c_str()) != 0) return fail_errno("make link");
    } else if (::mknodat(parent_.get(), name.c_str(), entry.mode, static_cast<dev_t>(entry.special)) != 0) {
      return fail_errno("make special file");
    }
    return finish(entry, name);
  }

  Result<> directory(const FileEntry& entry, const std::string& path, const std::string& name,
                     const std::optional<struct stat>& existing) {
    if (existing && !S_ISDIR(existing->st_mode))
      return fail(Error(Code::invalid).why("cannot copy to non-directory: /" + path));
    if (!existing && ::mkdirat(parent_.get(), name.c_str(), 0700) != 0) return fail_errno("make directory");
    const auto from = open_in_root(tree_.root(), source_path(entry), O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    const auto to = open_at(parent_.get(), name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
    if (from && to) TRY(copy_attributes(from->get(), to->get(), settings_));
    directory_times_.emplace_back(path, entry.mtime_ns);
    return finish(entry, name);
  }

  std::string source_path(const FileEntry& entry) const {
    if (entry.path.empty()) return source_.start.empty() ? "." : source_.start;
    return source_.start.empty() ? entry.path : source_.start + "/" + entry.path;
  }

  Result<> file(const FileEntry& entry, const std::string& path, const std::string& name) {
    if (entry.links > 1) {
      const auto [first, added] = linked_.try_emplace({entry.device, entry.inode}, path);
      if (!added) {
        const Fd other = TRY(parent_of(first->second));
        if (::linkat(other.get(), base_name(first->second).c_str(), parent_.get(), name.c_str(), 0) != 0)
          return fail_errno("make hard link");
        return {};
      }
    }
    const Fd from = TRY(open_in_root(tree_.root(), source_path(entry), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const Fd to = TRY(open_at(parent_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_bytes(from.get(), to.get(), settings_));
    const OwnerIds owner = settings_.owner.value_or(OwnerIds{entry.uid, entry.gid});
    if (::fchown(to.get(), owner.uid, owner.gid) != 0) return fail_errno("change owner");
    if (::fchmod(to.get(), mode_of(entry) & 07777) != 0) return fail_errno("change mode");
    TRY(copy_attributes(from.get(), to.get(), settings_));
    const struct timespec times[2] = {time_of(entry.mtime_ns), time_of(entry.mtime_ns)};
    if (::futimens(to.get(), times) != 0) return fail_errno("set time");
    return {};
  }

  mode_t mode_of(const FileEntry& entry) const {
    return settings_.mode ? settings_.mode->apply(entry.mode) : entry.mode;
  }

  Result<> finish(const FileEntry& entry, const std::string& name) {
    const OwnerIds owner = settings_.owner.value_or(OwnerIds{entry.uid, entry.gid});
    if (::fchownat(parent_.get(), name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("change owner");
    if (!S_ISLNK(entry.mode) &&
        ::fchmodat(parent_.get(), name.c_str(), mode_of(entry) & 07777, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("change mode");
    const struct timespec times[2] = {time_of(entry.mtime_ns), time_of(entry.mtime_ns)};
    if (!S_ISDIR(entry.mode)) ::utimensat(parent_.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    return {};
  }

  const SourceTree& tree_;
  const Selected& source_;
  int root_;
  const CopySettings& settings_;
  std::string target_;
  Fd parent_;
  std::string parent_path_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> linked_;
  std::vector<std::pair<std::string, std::int64_t>> directory_times_;
};

struct Target {
  std::string path;  // resolved
  bool is_directory = false;
  bool is_other = false;
};

NewDirectory new_directory_of(const CopySettings& settings) {
  return {.owner = settings.owner.value_or(OwnerIds{}),
          .mode = settings.mode ? settings.mode->for_new_directory() : 0755};
}

Result<Target> prepare_target(int root, const std::string& destination, const NewDirectory& made) {
  const bool directory = destination.ends_with('/');
  Target target;
  target.path =
      TRY(prepare_path(root, destination, directory ? MakeDirectories::all : MakeDirectories::all_but_last, made));
  const auto fd = open_in_root(root, target.path.empty() ? "." : target.path, O_PATH | O_NOFOLLOW);
  struct stat info {};
  const bool exists = fd && ::fstat(fd->get(), &info) == 0;
  target.is_directory = exists && S_ISDIR(info.st_mode);
  target.is_other = exists && !target.is_directory;
  return target;
}

// Called after everything in it has been created.
Result<> date_start(int root, const std::string& path, const FileEntry& start) {
  const Fd directory = TRY(open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const struct timespec times[2] = {time_of(start.mtime_ns), time_of(start.mtime_ns)};
  if (::futimens(directory.get(), times) != 0) return fail_errno("set time", "/" + path);
  return {};
}

std::string below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

Result<std::string> prepare_path(int root, const std::string& path, MakeDirectories make, const NewDirectory& made) {
  PathWalk walk(path);
  while (walk.next()) {
    const std::string parent_path = walk.parent();
    const Fd parent =
        TRY(open_in_root(root, parent_path.empty() ? "." : parent_path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    const std::string& name = walk.name();
    const auto info = look_at(parent.get(), name);
    if (info && S_ISLNK(info->st_mode)) {
      TRY(walk.follow(TRY(read_link_at(parent.get(), name, path))));
      continue;
    }
    const bool inner = !walk.at_last() || make == MakeDirectories::all;
    if (info && !S_ISDIR(info->st_mode) && inner)
      return fail(Error(Code::invalid).why("mkdir /" + walk.here() + ": not a directory"));
    if (info || !inner) continue;
    if (::mkdirat(parent.get(), name.c_str(), made.mode) != 0) return fail_errno("make directory", "/" + walk.here());
    if (::fchownat(parent.get(), name.c_str(), made.owner.uid, made.owner.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(parent.get(), name.c_str(), made.mode, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("change owner", "/" + walk.here());
  }
  return walk.here();
}

Result<> copy_into(const SourceTree& tree, const Selected& source, int root, const std::string& destination,
                   const CopySettings& settings) {
  Target target = TRY(prepare_target(root, destination, new_directory_of(settings)));
  bool made = false;
  if (source.is_directory()) {
    if (target.is_other) return fail(Error(Code::invalid).why("cannot copy to non-directory: /" + target.path));
    if (!target.is_directory) {
      made = true;
      target.path = TRY(prepare_path(root, target.path, MakeDirectories::all, new_directory_of(settings)));
    }
  } else if (target.is_directory) {
    target.path = below(target.path, source.name);
  }
  TRY(Copier(tree, source, root, settings).run(target.path));
  return made ? date_start(root, target.path, source.entries.front()) : Result<>{};
}

Result<> write_into(const std::string& name, const std::string& content, int root, const std::string& destination,
                    const CopySettings& settings) {
  const OwnerIds owner = settings.owner.value_or(OwnerIds{});
  Target target = TRY(prepare_target(root, destination, new_directory_of(settings)));
  if (target.is_directory) target.path = below(target.path, name);
  const std::string parent_path = target.path.contains('/') ? target.path.substr(0, target.path.rfind('/')) : ".";
  const Fd parent = TRY(open_in_root(root, parent_path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const std::string last = base_name(target.path);
  const auto existing = look_at(parent.get(), last);
  if (existing && S_ISDIR(existing->st_mode))
    return fail(Error(Code::invalid).why("cannot replace to directory /" + target.path + " with file"));
  if (existing && ::unlinkat(parent.get(), last.c_str(), 0) != 0) return fail_errno("replace", target.path);
  const Fd file = TRY(open_at(parent.get(), last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  TRY_WRAP(write_full(file.get(), content), "write", "/" + target.path);
  const mode_t mode = settings.mode ? settings.mode->apply(S_IFREG | 0644) : 0644;
  if (::fchown(file.get(), owner.uid, owner.gid) != 0 || ::fchmod(file.get(), mode & 07777) != 0)
    return fail_errno("change owner", target.path);
  return {};
}

}  // namespace consort::build
