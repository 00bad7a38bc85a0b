// What a container has changed compared with its image: its own layer, entry by entry, against those of the image.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "engine/engine_impl.hpp"
#include "engine/files.hpp"

namespace consort::engine {

namespace {

// Files that the engine puts there itself, beneath its mounts.
constexpr std::array<std::string_view, 9> of_the_engine{"/.dockerenv", "/dev",      "/etc/hostname",
                                                        "/etc/hosts",  "/etc/mtab", "/etc/resolv.conf",
                                                        "/proc",       "/sys",      "/sbin/docker-init"};

// One step down. False: the entry has disappeared in the meantime, or is something else now.
Result<bool> go_into(DirectoryCursor& at, const std::string& name) {
  Result<> entered = at.enter(name);
  if (entered) return true;
  const int number = entered.error().sys_errno();
  if (number == ENOENT || number == ENOTDIR || number == ELOOP) return false;
  return fail(std::move(entered).error());
}

// The container may be running and changing its files: every step is a single one from the current directory, through
// no symlink, and back. If the current directory was moved away, the path from the top is walked again.
class Comparison {
 public:
  Comparison(std::string upper, DirectoryCursor at, std::vector<std::string> lower)
      : upper_(std::move(upper)), at_(std::move(at)), lower_(std::move(lower)) {}

  Result<std::vector<PathChange>> run() {
    std::vector<std::string> names = TRY(list_directory(at_.fd()));
    levels_.push_back({.path = "", .names = std::move(names)});
    while (!levels_.empty()) {
      if (levels_.back().names.empty()) {
        TRY(leave());
        continue;
      }
      const std::string name = std::move(levels_.back().names.back());
      levels_.back().names.pop_back();
      TRY(look_at(name, levels_.back().path + "/" + name));
    }
    std::ranges::sort(changes_, {}, &PathChange::path);
    return std::move(changes_);
  }

 private:
  struct Level {
    std::string path;
    std::vector<std::string> names;  // still to be looked at
    bool below = false;              // it is in the image, too
    std::size_t before = 0;          // changes that there were before it was entered
  };

  bool is_below(const std::string& path) const {
    for (const std::string& layer : lower_) {
      struct stat st;
      if (::lstat((layer + path).c_str(), &st) != 0) continue;
      return !(S_ISCHR(st.st_mode) && st.st_rdev == 0);  // a whiteout
    }
    return false;
  }

  Result<> look_at(const std::string& name, std::string path) {
    struct stat st;
    if (std::ranges::find(of_the_engine, path) != of_the_engine.end()) return {};
    if (::fstatat(at_.fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return {};  // it has gone meanwhile
    if (S_ISCHR(st.st_mode) && st.st_rdev == 0) {
      changes_.push_back({PathChange::Kind::removed, std::move(path)});
      return {};
    }
    const bool below = is_below(path);
    // Anything nested more deeply than a path can express has no name to report.
    if (S_ISDIR(st.st_mode) && path.size() < PATH_MAX) {
      Result<bool> inside = go_into(at_, name);
      if (inside && !*inside) return {};
      if (inside) return look_into(std::move(path), below);
      // Of a mount, only the mount point belongs to the container.
      if (inside.error().sys_errno() != EXDEV) return fail(std::move(inside).error());
    }
    changes_.push_back({below ? PathChange::Kind::changed : PathChange::Kind::added, std::move(path)});
    return {};
  }

  Result<> look_into(std::string path, bool below) {
    Result<std::vector<std::string>> names = list_directory(at_.fd());
    if (!names && names.error().code() != Code::not_found) return fail(std::move(names).error());
    if (!names) names.emplace();  // removed just now, which leave() sees
    levels_.push_back({std::move(path), std::move(*names), below, changes_.size()});
    return {};
  }

  // A directory that only holds a mount point, or something of the engine's, has not changed.
  Result<> leave() {
    Level done = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty()) return {};
    if (Result<> left = at_.leave(); !left) {
      if (left.error().code() != Code::conflict && left.error().code() != Code::not_found) return left;
      changes_.resize(done.before);  // under a name that it does not have any more
      return find_way();
    }
    if (!done.below || changes_.size() > done.before)
      changes_.push_back({done.below ? PathChange::Kind::changed : PathChange::Kind::added, std::move(done.path)});
    return {};
  }

  // From the top to the directory whose names come next, or as far as it still exists.
  Result<> find_way() {
    at_ = TRY(DirectoryCursor::at(TRY(open_file(upper_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)),
                                  DirectoryCursor::Mounts::refuse));
    for (std::size_t i = 1; i < levels_.size(); ++i) {
      Result<bool> there = go_into(at_, base_name(levels_[i].path));
      if (there && *there) continue;
      if (!there && there.error().sys_errno() != EXDEV) return fail(std::move(there).error());
      changes_.resize(levels_[i].before);
      levels_.resize(i);
    }
    return {};
  }

  std::string upper_;
  DirectoryCursor at_;
  std::vector<std::string> lower_;
  std::vector<Level> levels_;
  std::vector<PathChange> changes_;
};

}  // namespace

Result<std::vector<PathChange>> Files::changes(const std::string& container) {
  const ContainerRecord record = TRY(impl_->load(container));
  const auto image = TRY(impl_->image_facts(record.summary.image_id));
  const std::string upper = impl_->container_directory(record.summary.id) + "/upper";
  Result<Fd> root = open_file(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!root && root.error().sys_errno() == ENOENT) return std::vector<PathChange>();
  DirectoryCursor at = TRY(DirectoryCursor::at(TRY(std::move(root)), DirectoryCursor::Mounts::refuse));
  return TRY_WRAP(Comparison(upper, std::move(at), image->layers).run(), "look through container", record.summary.name);
}

}  // namespace consort::engine
