#include "build/context/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/os/files/attributes.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"

namespace consort::build {
namespace {

std::int64_t nanoseconds(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileEntry entry_of(const struct stat& info, std::string path) {
  FileEntry entry;
  entry.path = std::move(path);
  entry.mode = info.st_mode;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.size = static_cast<std::uint64_t>(info.st_size);
  entry.mtime_ns = nanoseconds(info.st_mtim);
  entry.ctime_ns = nanoseconds(info.st_ctim);
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.special = info.st_rdev;
  entry.links = static_cast<std::uint32_t>(info.st_nlink);
  return entry;
}

unsigned worker_count() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
}

// A directory of a walk, listed by any free thread.
struct Directory {
  std::string path;  // relative to the walk's start
  PatternList::State ignore, exclude, include;
  bool included = true;  // it or a parent is matched by the include patterns
  std::vector<FileEntry> entries;
  std::vector<std::unique_ptr<Directory>> below;  // parallel to entries: null if not a directory
  bool wanted = false;                            // something in it is kept, so the directory is kept, too
};

class Walker {
 public:
  Walker(int root, std::string start, const PatternList& ignore, const WalkFilter& filter)
      : root_(root), start_(std::move(start)), ignore_(ignore), filter_(filter) {}

  Result<std::vector<FileEntry>> run(FileEntry first) {
    auto top = std::make_unique<Directory>();
    top->ignore = ignore_.root();
    if (filter_.exclude) top->exclude = filter_.exclude->root();
    if (filter_.include) top->include = filter_.include->root();
    top->included = !filter_.include;
    seed_ignore(*top);
    push(top.get());
    work_all();
    if (error_) return std::unexpected(std::move(*error_));
    std::vector<FileEntry> out;
    out.reserve(count_ + 1);
    out.push_back(std::move(first));
    flatten(*top, out);
    return out;
  }

 private:
  // A pattern may ignore a parent of the start, and then applies below, too.
  void seed_ignore(Directory& top) const {
    if (start_.empty() || ignore_.empty()) return;
    for (std::size_t end = start_.find('/');; end = start_.find('/', end + 1)) {
      ignore_.matches(std::string_view(start_).substr(0, end), top.ignore);
      if (end == std::string::npos) return;
    }
  }

  void push(Directory* directory) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(directory);
    ++pending_;
    ready_.notify_one();
  }

  void work_all() {
    std::vector<std::jthread> helpers;
    // A small tree is finished before a second thread has started.
    work(32);
    if (pending_ == 0) return;
    for (unsigned i = 1; i < worker_count(); ++i) helpers.emplace_back([this] { work(SIZE_MAX); });
    work(SIZE_MAX);
  }

  void work(std::size_t limit) {
    for (std::size_t i = 0; i < limit; ++i) {
      Directory* directory = nullptr;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return !queue_.empty() || pending_ == 0; });
        if (queue_.empty()) return;
        directory = queue_.back();
        queue_.pop_back();
      }
      auto done = failed_ ? Result<>{} : list(*directory);
      const std::scoped_lock lock(mutex_);
      if (!done && !error_) {
        error_.emplace(std::move(done).error());
        failed_ = true;
      }
      if (--pending_ == 0) ready_.notify_all();
      if (pending_ == 0) return;
    }
  }

  std::string from_root(const std::string& path) const {
    if (start_.empty()) return path;
    return path.empty() ? start_ : start_ + "/" + path;
  }

  Result<> list(Directory& directory) {
    const std::string shown = from_root(directory.path);
    Fd fd = TRY(open_in_root(root_, shown.empty() ? "." : shown, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    DIR* dir = ::fdopendir(fd.get());
    if (!dir) return fail_errno("read directory", shown);
    fd.release();
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(dir, ::closedir);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* item = ::readdir(dir)) {
      const std::string_view name = item->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return fail_errno("read directory", shown);
    std::ranges::sort(names);
    for (const auto& name : names) TRY(add(directory, ::dirfd(dir), name));
    return {};
  }

  Result<> add(Directory& directory, int dir, const std::string& name) {
    struct stat info {};
    const std::string path = directory.path.empty() ? name : directory.path + "/" + name;
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};  // removed since the listing
      return fail_errno("look at", from_root(path));
    }
    const bool is_directory = S_ISDIR(info.st_mode);
    auto below = std::make_unique<Directory>();
    below->path = path;
    if (!ignore_.empty()) {
      below->ignore = directory.ignore;
      if (ignore_.matches(from_root(path), below->ignore)) {
        if (!is_directory || !ignore_.may_take_back_below(from_root(path))) return {};
        below->wanted = false;
      } else {
        below->wanted = true;
      }
    } else {
      below->wanted = true;
    }
    if (filter_.exclude) {
      below->exclude = directory.exclude;
      if (filter_.exclude->matches(path, below->exclude)) {
        if (!is_directory || !filter_.exclude->may_take_back_below(path)) return {};
        below->wanted = false;
      }
    }
    below->included = true;
    if (filter_.include) {
      below->include = directory.include;
      below->included = filter_.include->matches(path, below->include);
      if (!below->included && !is_directory) return {};
      below->wanted = below->wanted && below->included;
    }
    FileEntry entry = entry_of(info, path);
    if (S_ISLNK(info.st_mode)) entry.target = TRY(read_link_at(dir, name.c_str(), path));
    directory.entries.push_back(std::move(entry));
    Directory* next = is_directory ? below.get() : nullptr;
    directory.below.push_back(is_directory ? std::move(below) : nullptr);
    ++count_;
    if (next) push(next);
    return {};
  }

  // An excluded directory is kept if something below it is.
  static bool settle(Directory& directory) {
    bool any = false;
    for (auto& below : directory.below) {
      if (!below) {
        any = true;
      } else {
        const bool content = settle(*below);
        below->wanted = below->wanted || content;
        any = any || below->wanted;
      }
    }
    return any;
  }
  void flatten(Directory& directory, std::vector<FileEntry>& out) const {
    if (directory.path.empty()) settle(directory);
    for (std::size_t i = 0; i < directory.entries.size(); ++i) {
      Directory* below = directory.below[i].get();
      if (below && !below->wanted) continue;
      out.push_back(std::move(directory.entries[i]));
      if (below) flatten(*below, out);
    }
  }

  int root_;
  std::string start_;
  const PatternList& ignore_;
  const WalkFilter& filter_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Directory*> queue_;
  std::size_t pending_ = 0;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<bool> failed_ = false;
  std::optional<Error> error_;
};

// Attributes that a copy preserves; most files have none.
Result<> hash_attributes(int fd, Sha256& digest) {
  std::vector<std::string> names = TRY(attribute_names(fd));
  std::ranges::sort(names);
  for (const auto& name : names) {
    if (!name.starts_with("user.") && name != "security.capability") continue;
    auto value = read_attribute(fd, name);
    if (!value && value.error().sys_errno() == ENODATA) continue;  // removed since the listing
    digest.update(name + "=" + TRY(std::move(value)) + '\0');
  }
  return {};
}

Result<FileHash> hash_file(int root, const std::string& path, std::vector<std::byte>& buffer) {
  const Fd fd = TRY(open_in_root(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  Sha256 digest;
  while (true) {
    const std::size_t count = TRY(read_some(fd.get(), buffer));
    if (count == 0) break;
    digest.update(std::span(buffer).first(count));
  }
  TRY(hash_attributes(fd.get(), digest));
  const std::string hex = digest.finish();
  FileHash hash{};
  const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t i = 0; i < hash.size(); ++i)
    hash[i] = static_cast<unsigned char>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return hash;
}

}  // namespace

struct SourceTree::Memory {
  std::mutex mutex;
  FileIndex index;
};

SourceTree::SourceTree() = default;
SourceTree::SourceTree(SourceTree&&) noexcept = default;
SourceTree& SourceTree::operator=(SourceTree&&) noexcept = default;
SourceTree::~SourceTree() = default;

Result<SourceTree> SourceTree::open(const std::string& directory, PatternList ignore, std::string index_file) {
  SourceTree tree;
  tree.root_ = TRY_WRAP(open_file(directory, O_RDONLY | O_DIRECTORY), "open build context");
  tree.name_ = directory;
  tree.ignore_ = std::move(ignore);
  tree.index_file_ = std::move(index_file);
  tree.memory_ = std::make_unique<Memory>();
  if (!tree.index_file_.empty()) tree.memory_->index = FileIndex::load(tree.index_file_);
  return tree;
}

SourceTree SourceTree::of(Fd root, std::string name) {
  SourceTree tree;
  tree.root_ = std::move(root);
  tree.name_ = std::move(name);
  tree.memory_ = std::make_unique<Memory>();
  return tree;
}

Result<std::vector<FileEntry>> SourceTree::walk(const std::string& path, const WalkFilter& filter) const {
  const Fd fd = TRY(open_in_root(root_.get(), path.empty() ? "." : path, O_PATH | O_NOFOLLOW));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at", path);
  FileEntry first = entry_of(info, "");
  if (S_ISLNK(info.st_mode)) first.target = TRY(read_link_at(fd.get(), "", path));
  if (!S_ISDIR(info.st_mode)) {
    std::vector<FileEntry> only;
    only.push_back(std::move(first));
    return only;
  }
  return Walker(root_.get(), path, ignore_, filter).run(std::move(first));
}

Result<> SourceTree::hash(const std::string& start, std::vector<FileEntry>& entries) const {
  const std::int64_t since = system_now().time_since_epoch().count();
  {
    const std::scoped_lock lock(memory_->mutex);
    memory_->index.apply(start, entries);
  }
  std::vector<FileEntry*> todo;
  for (auto& entry : entries) {
    if (S_ISREG(entry.mode) && !entry.hashed) todo.push_back(&entry);
  }
  if (todo.empty()) return {};
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> error;
  const auto work = [&] {
    std::vector<std::byte> buffer(256 * 1024);
    for (std::size_t i = next++; i < todo.size(); i = next++) {
      FileEntry& entry = *todo[i];
      const std::string path = entry.path.empty() ? start : start.empty() ? entry.path : start + "/" + entry.path;
      auto hash = hash_file(root_.get(), path, buffer);
      if (!hash) {
        const std::scoped_lock lock(mutex);
        if (!error) error.emplace(std::move(hash).error().wrap("read", path));
        next = todo.size();
        return;
      }
      entry.hash = *hash;
      entry.hashed = true;
    }
  };
  {
    std::vector<std::jthread> helpers;
    const std::size_t threads = std::min<std::size_t>(worker_count(), todo.size() / 16 + 1);
    for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
    work();
  }
  if (error) return std::unexpected(std::move(*error));
  const std::scoped_lock lock(memory_->mutex);
  memory_->index.learn(start, entries, since);
  return {};
}

Result<> SourceTree::save_index() const {
  const std::scoped_lock lock(memory_->mutex);
  if (index_file_.empty() || !memory_->index.changed()) return {};
  return memory_->index.save(index_file_);
}

}  // namespace consort::build
