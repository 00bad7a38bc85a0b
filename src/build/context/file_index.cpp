#include <algorithm>
#include <cstring>

#include "base/os/files/file.hpp"
#include "base/os/files/temporary.hpp"
#include "build/context/tree.hpp"

namespace consort::build {
namespace {

constexpr std::string_view magic = "consort-file-index-1\n";
// A change within the kernel's clock tick of the hashing might leave the times unchanged.
constexpr std::int64_t doubtful_ns = 50'000'000;

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <typename T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

std::string joined(const std::string& start, const std::string& path) {
  if (start.empty()) return path;
  return path.empty() ? start : start + "/" + path;
}

bool is_below(std::string_view path, const std::string& start) {
  return start.empty() || path == start ||
         (path.starts_with(start) && path.size() > start.size() && path[start.size()] == '/');
}

}  // namespace

bool path_less(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < length; ++i) {
    if (a[i] == b[i]) continue;
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
    return rank(a[i]) < rank(b[i]);
  }
  return a.size() < b.size();
}

FileIndex FileIndex::load(const std::string& file) {
  FileIndex index;
  const auto content = read_file(file, std::size_t{1} << 30);
  if (!content || !content->starts_with(magic)) return index;
  std::string_view in = std::string_view(*content).substr(magic.size());
  while (!in.empty()) {
    Known known;
    std::uint16_t length = 0;
    if (!take(in, length) || in.size() < length) return {};
    known.path = in.substr(0, length);
    in.remove_prefix(length);
    if (!take(in, known.device) || !take(in, known.inode) || !take(in, known.size) || !take(in, known.mtime_ns) ||
        !take(in, known.ctime_ns) || !take(in, known.hash))
      return {};
    if (!index.known_.empty() && !path_less(index.known_.back().path, known.path)) return {};
    index.known_.push_back(std::move(known));
  }
  return index;
}

Result<> FileIndex::save(const std::string& file) const {
  std::string out(magic);
  for (const auto& known : known_) {
    if (known.path.size() > UINT16_MAX) continue;
    put(out, static_cast<std::uint16_t>(known.path.size()));
    out += known.path;
    put(out, known.device);
    put(out, known.inode);
    put(out, known.size);
    put(out, known.mtime_ns);
    put(out, known.ctime_ns);
    put(out, known.hash);
  }
  TRY(make_directories(dir_name(file), 0700));
  (void)sweep_temporaries(dir_name(file));  // no other process uses this directory
  return write_file_atomic(file, out, 0600);
}

void FileIndex::apply(const std::string& start, std::vector<FileEntry>& entries) const {
  auto known = std::lower_bound(known_.begin(), known_.end(), start,
                                [](const Known& k, const std::string& path) { return path_less(k.path, path); });
  for (auto& entry : entries) {
    if (!S_ISREG(entry.mode)) continue;
    const std::string path = joined(start, entry.path);
    while (known != known_.end() && path_less(known->path, path)) ++known;
    if (known == known_.end()) return;
    if (known->path != path) continue;
    entry.hashed = known->device == entry.device && known->inode == entry.inode && known->size == entry.size &&
                   known->mtime_ns == entry.mtime_ns && known->ctime_ns == entry.ctime_ns;
    if (entry.hashed) entry.hash = known->hash;
  }
}

void FileIndex::learn(const std::string& start, const std::vector<FileEntry>& entries, std::int64_t since_ns) {
  std::vector<Known> merged;
  merged.reserve(known_.size() + entries.size());
  auto old = known_.begin();
  for (; old != known_.end() && path_less(old->path, start); ++old) merged.push_back(std::move(*old));
  while (old != known_.end() && is_below(old->path, start)) ++old;
  for (const auto& entry : entries) {
    if (!S_ISREG(entry.mode) || !entry.hashed || entry.ctime_ns > since_ns - doubtful_ns) continue;
    merged.push_back(
        {joined(start, entry.path), entry.device, entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, entry.hash});
  }
  for (; old != known_.end(); ++old) merged.push_back(std::move(*old));
  known_ = std::move(merged);
  changed_ = true;
}

}  // namespace consort::build
