// Mirrors host files into containers, for `watch`.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <span>

#include "base/os/files/file.hpp"
#include "base/os/files/temporary.hpp"
#include "engine/container/place.hpp"
#include "engine/files.hpp"
#include "image/container_tar.hpp"
#include "image/pack_files.hpp"

namespace consort::engine {

namespace {

std::string path_in(const std::string& directory, const std::string& name) {
  return clean_path("/" + directory + "/" + name);
}

// The files as they were at one moment, for all containers that have the target under the same path.
struct Packed {
  Fd tar;
  std::vector<std::size_t> missing;
};

// Complete before anything is unpacked: a file that cannot be read leaves no container half done.
Result<Packed> pack(const Roots& roots, const Mirror& what, const std::string& target) {
  const Fd root = TRY(open_file(what.root, O_PATH | O_DIRECTORY));
  std::vector<image::ChosenFile> files;
  for (const Mirror::File& file : what.files) files.push_back({file.path, path_in(target, file.as).substr(1)});
  Packed packed{.tar = TRY(create_unnamed(roots.data)), .missing = {}};
  packed.missing = TRY(image::pack_files(root.get(), files, image::sink_of_fd(packed.tar.get()),
                                         {.whiteouts = image::PackOptions::Whiteouts::none, .cancel = {}}));
  return packed;
}

// Removes a directory with everything in it. A path that does not exist is already gone.
Result<> remove_in_root(int root, const std::string& path) {
  if (path == "/") return fail(Error(Code::invalid, "remove").on(path).why("it is the container's root"));
  const Result<Fd> directory = open_in_root(root, dir_name(path), O_PATH | O_DIRECTORY);
  if (!directory) {
    const int number = directory.error().sys_errno();
    return number == ENOENT || number == ENOTDIR ? Result<>() : fail(errno_error(number, "remove", path));
  }
  return remove_tree("/proc/self/fd/" + std::to_string(directory->get()) + "/" + base_name(path));
}

Result<> bring(const Mirror& what, const Place& place, const Packed& packed) {
  if (place.read_only) return fail(Error(Code::denied, "container rootfs is marked read-only"));
  for (const std::size_t index : packed.missing)
    TRY(remove_in_root(place.root.get(), path_in(place.path, what.files[index].as)));
  if (packed.missing.size() == what.files.size()) return {};
  if (::lseek(packed.tar.get(), 0, SEEK_SET) < 0) return fail_errno("read archive");
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  (void)TRY(image::unpack_for(place.first_owner, image::source_of_fd(packed.tar.get()),
                              "/proc/self/fd/" + std::to_string(place.root.get()), options));
  return {};
}

}  // namespace

Files Engine::files() {
  return Files(*impl_);
}

Result<Mirrored> Files::mirror(const Mirror& what, const std::vector<std::string>& containers) {
  std::map<std::string, Packed> packed;  // by the target's name
  Mirrored done;
  std::optional<Error> failed;
  for (const std::string& id : containers) {
    const auto one = [&]() -> Result<> {
      const Place place = TRY(find_place(*impl_, id, what.target));
      auto found = packed.find(place.path);
      if (found == packed.end()) found = packed.emplace(place.path, TRY(pack(impl_->roots, what, place.path))).first;
      TRY(bring(what, place, found->second));
      done = {what.files.size() - found->second.missing.size(), found->second.missing.size()};
      impl_->note(TRY(impl_->load(id)).summary, "extract-to-dir");
      return {};
    };
    Result<> outcome = one();
    if (outcome) continue;
    Error error = std::move(outcome).error().wrap("copy files to", id.substr(0, 12));
    failed = failed ? std::move(*failed).also(std::move(error)) : std::move(error);
  }
  if (failed) return fail(std::move(*failed));
  return done;
}

}  // namespace consort::engine
