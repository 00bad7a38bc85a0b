// Looking at and packing a single path of a container.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "engine/container/place.hpp"
#include "engine/files.hpp"
#include "image/container_tar.hpp"

namespace consort::engine {

namespace {

struct Found {
  Fd directory;      // that it lies in
  std::string name;  // in there
  struct stat st {};
  std::uint32_t first_owner = 0;  // see Place
};

// The root of a container is not in any of its directories.
Result<Found> find(Engine::Impl& impl, const std::string& id, const std::string& text) {
  const Place place = TRY(find_place(impl, id, text));
  Found found;
  found.first_owner = place.first_owner;
  found.name = place.path == "/" ? "." : base_name(place.path);
  auto directory = open_in_root(place.root.get(), place.path == "/" ? "/" : dir_name(place.path), O_PATH | O_DIRECTORY);
  if (!directory || ::fstatat(directory->get(), found.name.c_str(), &found.st, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(Error(Code::not_found, "Could not find the file " + text + " in container " + id));
  found.directory = std::move(*directory);
  return found;
}

}  // namespace

Result<PathStat> Files::stat(const std::string& container, const std::string& path) {
  Found found = TRY(find(*impl_, container, path));
  // "/data/." and "/data/" ask for a symlink's target.
  std::string at = path;
  for (int hops = 0; S_ISLNK(found.st.st_mode) && (path.ends_with("/") || path.ends_with("/.")); ++hops) {
    const std::string target = TRY(read_link_at(found.directory.get(), found.name));
    at = clean_path(target.starts_with('/') ? target : dir_name(clean_path("/" + at)) + "/" + target);
    constexpr int most_hops = 40;
    if (hops == most_hops) return fail(Code::invalid, "follow links", path);
    found = TRY(find(*impl_, container, at));
  }
  const std::string clean = clean_path("/" + at);
  PathStat stat{
      .name = clean == "/" ? "/" : base_name(clean),
      .size = static_cast<std::uint64_t>(found.st.st_size),
      .mode = found.st.st_mode,
      .modified = SystemTime(std::chrono::seconds(found.st.st_mtim.tv_sec) + Nanoseconds(found.st.st_mtim.tv_nsec))};
  if (S_ISLNK(found.st.st_mode)) {
    const std::string target = TRY(read_link_at(found.directory.get(), found.name));
    stat.link_target = clean_path(target.starts_with('/') ? target : dir_name(clean) + "/" + target);
  }
  return stat;
}

Result<> Files::pack_path(const std::string& container, const std::string& path, const std::string& as, int out) {
  const Found found = TRY(find(*impl_, container, path));
  impl_->note(TRY(impl_->load(container)).summary, "archive-path");
  return image::pack_entry_of(found.first_owner, found.directory.get(), found.name, as, image::sink_of_fd(out),
                              {.whiteouts = image::PackOptions::Whiteouts::none, .cancel = {}});
}

}  // namespace consort::engine
