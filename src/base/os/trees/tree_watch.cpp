#include "base/os/trees/tree_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::uint32_t wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
                                 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t how = IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

std::string in_directory(const std::string& directory, const std::string& name) {
  return directory == "/" ? "/" + name : directory + "/" + name;
}

std::string limit_of(const char* name) {
  const auto text = read_file("/proc/sys/fs/inotify/" + std::string(name), 64);
  return text ? std::string(trim(*text)) : "not known";
}

Error limit_error(const char* name, const std::string& reached, const char* larger, const std::string& besides) {
  const std::string sysctl = "fs.inotify." + std::string(name);
  return Error(Code::unsupported, "watch files")
      .why(reached + " (" + sysctl + " is " + limit_of(name) + ")")
      .hint("run `sudo sysctl " + sysctl + "=" + larger + "`; to keep it after a reboot, `echo " + sysctl + "=" +
            larger + " | sudo tee /etc/sysctl.d/60-inotify.conf`" + besides);
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

TreeWatch::Stamp TreeWatch::Stamp::of(const struct stat& st) {
  return {st.st_ino, st.st_mode, st.st_size, nanoseconds(st.st_mtim), nanoseconds(st.st_ctim)};
}

Result<TreeWatch> TreeWatch::create(TreeWatchOptions options) {
  Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify && errno == EMFILE)
    return fail(limit_error("max_user_instances", "too many programs of this user are watching files", "1024", ""));
  if (!inotify) return fail_errno("inotify_init1");
  TreeWatch watch(std::move(inotify), std::move(options));
  for (const std::string& root : watch.options_.roots) TRY(watch.establish(root, Tell::no));
  return watch;
}

bool TreeWatch::inside(const std::string& path) const {
  return std::ranges::any_of(options_.roots, [&](const std::string& root) { return lies_in(path, root); });
}
bool TreeWatch::leads_to_root(const std::string& path) const {
  return std::ranges::any_of(options_.roots, [&](const std::string& root) { return lies_below(root, path); });
}
bool TreeWatch::is_root(const std::string& path) const {
  return std::ranges::find(options_.roots, path) != options_.roots.end();
}

void TreeWatch::tell(const std::string& path, TreeChange::Kind kind) {
  told_.push_back({path, kind});
}

// A root's parent directory is watched too, because a root may disappear and come back, for example when git switches
// branches.
Result<> TreeWatch::establish(const std::string& root, Tell how_told) {
  TRY(watch_above(root));
  const auto status = lstat_path(root);
  if (!status) return {};
  if (how_told == Tell::yes && !directories_.contains(root) && !S_ISDIR(status->st_mode)) tell(root);
  return S_ISDIR(status->st_mode) && !directories_.contains(root) ? scan(root, how_told) : Result<>();
}

// Watches the nearest existing directory on the way to the root; more may be created in the meantime.
Result<> TreeWatch::watch_above(const std::string& root) {
  if (root == "/") return {};
  const std::string parent = dir_name(root);
  while (true) {
    std::string directory = parent;
    std::string next = root;
    while (!directories_.contains(directory) && !TRY(add(directory)) && directory != "/") {
      next = directory;
      directory = dir_name(directory);
    }
    const auto status = directory == parent ? Result<struct stat>(fail(Code::not_found, "")) : lstat_path(next);
    if (!status || !S_ISDIR(status->st_mode)) return {};
    if (directories_.contains(next) || !TRY(add(next))) return {};  // it is there and cannot be watched
  }
}

Result<bool> TreeWatch::add(const std::string& directory) {
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), wanted | how);
  if (watch < 0) {
    const int number = errno;
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) return false;
    if (number == ENOSPC)
      return fail(limit_error("max_user_watches",
                              std::to_string(directories_.size()) + " directories are watched, which is the limit",
                              "1048576", "; or leave large directories out with `ignore`"));
    if (options_.unreadable) options_.unreadable(directory, errno_error(number, "watch", directory));
    return false;
  }
  // A directory that has moved keeps its watch, and the event for that may still be to come.
  if (const auto known = by_watch_.find(watch); known != by_watch_.end() && known->second != directory)
    directories_.erase(known->second);
  directories_[directory].watch = watch;
  by_watch_[watch] = directory;
  return true;
}

// Adds the watch before reading the directory, so that an entry created in between may be seen twice but is never
// missed.
Result<> TreeWatch::scan(const std::string& top, Tell how_told) {
  std::vector<std::string> todo{top};
  while (!todo.empty()) {
    const std::string directory = std::move(todo.back());
    todo.pop_back();
    if (TRY(add(directory))) TRY(list(directory, how_told, todo));
  }
  return {};
}

Result<> TreeWatch::list(const std::string& directory, Tell how_told, std::vector<std::string>& below) {
  const auto opened = open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) {
    if (opened.error().code() == Code::denied && options_.unreadable) options_.unreadable(directory, opened.error());
    return {};  // or it has gone, which its own directory is told
  }
  const auto names = list_directory(opened->get());
  if (!names) return {};
  Directory& known = directories_[directory];
  for (const std::string& name : *names) {
    struct stat st;
    if (::fstatat(opened->get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const std::string path = in_directory(directory, name);
    known.entries[name] = Stamp::of(st);
    const bool enter = S_ISDIR(st.st_mode) && !(options_.skip && options_.skip(path));
    if (how_told == Tell::yes) tell(path);
    if (enter) below.push_back(path);
  }
  return {};
}

void TreeWatch::forget(const std::string& top) {
  for (auto at = directories_.lower_bound(top); at != directories_.end() && at->first.starts_with(top);) {
    if (at->first != top && !lies_below(at->first, top)) {  // "a.b" lies between "a" and "a/b"
      ++at;
      continue;
    }
    ::inotify_rm_watch(inotify_.get(), at->second.watch);  // gone by itself if the directory is
    by_watch_.erase(at->second.watch);
    at = directories_.erase(at);
  }
}

Result<std::vector<TreeChange>> TreeWatch::take() {
  alignas(inotify_event) std::array<char, 64 << 10> buffer;
  bool overflow = false;
  while (true) {
    const auto count = read_some(inotify_.get(), std::as_writable_bytes(std::span(buffer)));
    if (!count && count.error().sys_errno() == EAGAIN) break;
    if (!count) return fail(errno_error(count.error().sys_errno(), "read file events"));
    for (std::size_t at = 0; at < *count;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      at += sizeof event + event.len;
      if (event.mask & IN_Q_OVERFLOW) overflow = true;
      const auto found = by_watch_.find(event.wd);
      if (found == by_watch_.end()) continue;
      const std::string directory = found->second;  // a copy: handling may forget it
      TRY(handle(directory, name, event.mask));
    }
  }
  if (overflow) return rescan();
  return std::exchange(told_, {});
}

Result<> TreeWatch::handle(const std::string& directory, const std::string& name, std::uint32_t mask) {
  if (mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) return lost(directory);
  if (name.empty()) return {};
  const std::string path = in_directory(directory, name);
  if (inside(path)) return entry_changed(path, mask);
  if (!leads_to_root(path) || !(mask & (IN_CREATE | IN_MOVED_TO))) return {};
  for (const std::string& root : options_.roots)
    if (lies_below(root, path)) TRY(establish(root, Tell::yes));
  return {};
}

// The directory no longer exists, or not under this name. For one below a root, its parent reports that; above a root
// there may be nobody else to do so.
Result<> TreeWatch::lost(const std::string& directory) {
  const auto known = directories_.find(directory);
  if (known == directories_.end() || (inside(directory) && !is_root(directory))) return {};
  const bool was_root = is_root(directory);
  std::vector<std::string> roots;
  for (const std::string& root : options_.roots)
    if (lies_in(root, directory)) roots.push_back(root);
  forget(directory);
  for (const std::string& root : roots) {
    if (!was_root || !path_exists(root)) tell(root);
    TRY(establish(root, Tell::yes));
  }
  return {};
}

Result<> TreeWatch::entry_changed(const std::string& path, std::uint32_t mask) {
  const auto holder = directories_.find(dir_name(path));
  const std::string name = base_name(path);
  const auto status = lstat_path(path);
  const bool replaced = mask & (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
  if (!status || replaced) forget(path);
  if (!status) {
    if (holder != directories_.end()) holder->second.entries.erase(name);
    tell(path);
    return is_root(path) ? watch_above(path) : Result<>();
  }
  if (holder != directories_.end() && inside(holder->first)) holder->second.entries[name] = Stamp::of(*status);
  if (S_ISDIR(status->st_mode)) {
    if (!is_root(path)) tell(path);
    if (!replaced || (!is_root(path) && options_.skip && options_.skip(path))) return {};
    return scan(path, Tell::yes);
  }
  // While a file with a single name is being created, its creator has it open; it is complete when it is closed.
  const bool open = (mask & IN_MODIFY) || ((mask & IN_CREATE) && S_ISREG(status->st_mode) && status->st_nlink == 1);
  tell(path, open ? TreeChange::Kind::writing : TreeChange::Kind::settled);
  return {};
}

Result<std::vector<TreeChange>> TreeWatch::rescan() {
  std::vector<std::string> known;
  for (const auto& [path, directory] : directories_) known.push_back(path);
  for (const std::string& path : known)
    if (directories_.contains(path) && inside(path)) TRY(compare(path));
  for (const std::string& root : options_.roots) {
    if (directories_.contains(root) && !path_exists(root)) {
      forget(root);
      tell(root);
    }
    if (const auto status = lstat_path(root); status && !S_ISDIR(status->st_mode)) tell(root);
    TRY(establish(root, Tell::yes));
  }
  return std::exchange(told_, {});
}

// Compares the directory's former content with the present one. If it was replaced as a whole, its parent shows that,
// by the inode.
Result<> TreeWatch::compare(const std::string& path) {
  const std::map<std::string, Stamp> before = std::exchange(directories_[path].entries, {});
  std::vector<std::string> unused;
  TRY(list(path, Tell::no, unused));
  const std::map<std::string, Stamp> now = directories_[path].entries;
  for (const auto& [name, stamp] : before) {
    if (now.contains(name)) continue;
    forget(in_directory(path, name));
    tell(in_directory(path, name));
  }
  for (const auto& [name, stamp] : now) {
    const std::string entry = in_directory(path, name);
    const auto old = before.find(name);
    const bool same_object =
        old != before.end() && old->second.inode == stamp.inode && (old->second.mode & S_IFMT) == (stamp.mode & S_IFMT);
    if (!S_ISDIR(stamp.mode)) {
      if (old == before.end() || old->second != stamp) tell(entry);
      continue;
    }
    if (options_.skip && options_.skip(entry)) continue;
    if (same_object && old->second.mode != stamp.mode) tell(entry);
    if (same_object && directories_.contains(entry)) continue;
    tell(entry);
    forget(entry);
    TRY(scan(entry, Tell::yes));
  }
  return {};
}

}  // namespace consort
