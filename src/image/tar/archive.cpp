#include "image/tar/archive.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "image/store/store_state.hpp"
#include "image/tar/tar_reader.hpp"

namespace consort::image {

namespace {
constexpr std::size_t max_files = 100'000;
constexpr int max_links = 8;
}  // namespace

Result<ArchiveFiles> ArchiveFiles::read(const Store& store, const ByteSource& source, std::uint64_t max_bytes,
                                        const std::stop_token& cancel) {
  ArchiveFiles archive(TRY(store.state().new_work()));
  TarReader tar(decompressed(source), max_bytes);
  while (auto entry = TRY(tar.next())) {
    if (cancel.stop_requested()) return fail(Code::interrupted, "load");
    const std::string name = clean_path(entry->path);
    // Old versions of `docker save` write a symlink for a layer that is already in the archive.
    if (entry->type == TarEntry::Type::symlink)
      archive.links_[name] = clean_path(dir_name(name) + "/" + entry->link);
    else if (entry->type == TarEntry::Type::hard_link)
      archive.links_[name] = clean_path(entry->link);
    if (entry->type != TarEntry::Type::file || entry->sparse) continue;
    if (archive.files_.size() >= max_files) return fail(Code::invalid, "load", "more than 100000 files");
    const std::string path = archive.directory_.path() + "/" + std::to_string(archive.files_.size());
    const Fd fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0400));
    for (;;) {
      const auto bytes = TRY(tar.data());
      if (bytes.empty()) break;
      if (cancel.stop_requested()) return fail(Code::interrupted, "load");
      TRY_WRAP(write_full(fd.get(), bytes), "unpack archive");
    }
    archive.files_[name] = path;
  }
  TRY(tar.drain());
  return archive;
}

const std::string* ArchiveFiles::find(const std::string& name) const {
  std::string at = clean_path(name);
  for (int i = 0; i < max_links; ++i) {
    if (const auto file = files_.find(at); file != files_.end()) return &file->second;
    const auto link = links_.find(at);
    if (link == links_.end()) return nullptr;
    at = link->second;
  }
  return nullptr;
}

Result<std::string> ArchiveFiles::path(const std::string& name) const {
  if (const std::string* found = find(name)) return *found;
  return fail(Error(Code::invalid, "load").on(name.substr(0, 200)).why("the archive does not hold this file"));
}

Result<std::string> ArchiveFiles::text(const std::string& name, std::size_t limit) const {
  return read_file(TRY(path(name)), limit);
}

}  // namespace consort::image
