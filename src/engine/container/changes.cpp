// What a container has changed of its image: its own layer, entry by entry, beside those of the image.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/os/dir_stream.hpp"
#include "base/os/file.hpp"
#include "engine/engine_impl.hpp"
#include "engine/files.hpp"

namespace consort::engine {

namespace {

// What the engine puts there itself, under what it mounts.
constexpr std::array<std::string_view, 9> of_the_engine{"/.dockerenv", "/dev",      "/etc/hostname",
                                                        "/etc/hosts",  "/etc/mtab", "/etc/resolv.conf",
                                                        "/proc",       "/sys",      "/sbin/docker-init"};

class Comparison {
 public:
  Comparison(std::string upper, std::vector<std::string> lower) : upper_(std::move(upper)), lower_(std::move(lower)) {}

  Result<std::vector<PathChange>> run() {
    TRY(walk(""));
    std::ranges::sort(changes_, {}, &PathChange::path);
    return std::move(changes_);
  }

 private:
  bool is_below(const std::string& path) const {
    for (const std::string& layer : lower_) {
      struct stat st;
      if (::lstat((layer + path).c_str(), &st) != 0) continue;
      return !(S_ISCHR(st.st_mode) && st.st_rdev == 0);  // a whiteout
    }
    return false;
  }

  // Whether there was anything to be told of it, or of what is in it.
  Result<> walk(const std::string& folder) {
    const DirStream stream(::opendir((upper_ + folder).c_str()));
    if (!stream) return errno == ENOENT ? Result<>() : fail_errno("read directory", upper_ + folder);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get()))
      if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
    for (const std::string& name : names) TRY(look_at(folder + "/" + name));
    return {};
  }

  Result<> look_at(const std::string& path) {
    struct stat st;
    if (std::ranges::find(of_the_engine, path) != of_the_engine.end()) return {};
    if (::lstat((upper_ + path).c_str(), &st) != 0) return {};  // it has gone meanwhile
    if (S_ISCHR(st.st_mode) && st.st_rdev == 0) {
      changes_.push_back({PathChange::Kind::removed, path});
      return {};
    }
    const bool below = is_below(path);
    const std::size_t before = changes_.size();
    if (S_ISDIR(st.st_mode)) TRY(walk(path));
    // A folder that only holds the place of a mount, or of what is the engine's, has not changed.
    if (!S_ISDIR(st.st_mode) || !below || changes_.size() > before)
      changes_.push_back({below ? PathChange::Kind::changed : PathChange::Kind::added, path});
    return {};
  }

  std::string upper_;
  std::vector<std::string> lower_;
  std::vector<PathChange> changes_;
};

}  // namespace

Result<std::vector<PathChange>> Files::changes(const std::string& container) {
  const ContainerRecord record = TRY(impl_->load(container));
  const auto image = TRY(impl_->image_facts(record.summary.image_id));
  return Comparison(impl_->container_folder(record.summary.id) + "/upper", image->layers).run();
}

}  // namespace consort::engine
