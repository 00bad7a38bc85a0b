// Shared by tests of this module: a store in a temporary directory, tars made in memory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/os/files/file.hpp"
#include "image/store.hpp"
#include "image/tar/compress.hpp"
#include "image/tar/tar_writer.hpp"
#include "image/transfer.hpp"

namespace consort::image {

class TempDir {
 public:
  TempDir() {
    std::string pattern = testing::TempDir() + "/consort-image-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { (void)remove_tree(path_); }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// For a test that races against a thread that keeps swapping files: runs at least the given number of rounds, until the
// other thread has had its turns, but never for long.
class Race {
 public:
  // Swaps the two in one step. False: not this time, or not supported here.
  bool swap(const std::string& one, const std::string& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0) return false;
    ++swaps_;
    return true;
  }
  bool goes_on() {
    if (std::chrono::steady_clock::now() > end_) return false;
    return ++round_ <= 3000 || swaps_ < 1000;
  }
  int round() const { return round_; }
  int swaps() const { return swaps_; }

 private:
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  int round_ = 0;
  std::atomic<int> swaps_ = 0;
};

// A store in a temporary directory.
struct TestStore {
  TempDir directory;
  Roots roots{directory / "data", directory / "run"};
  Store store = [this] {
    EXPECT_TRUE(roots.prepare());
    return std::move(Store::open(roots)).value();
  }();
};

inline ByteSource source_of(std::string content) {
  auto at = std::make_shared<std::pair<std::string, std::size_t>>(std::move(content), 0);
  return [at](std::span<std::byte> into) -> Result<std::size_t> {
    const std::size_t count = std::min(into.size(), at->first.size() - at->second);
    std::memcpy(into.data(), at->first.data() + at->second, count);
    at->second += count;
    return count;
  };
}

inline ByteSink sink_to(std::string& text) {
  return [&text](std::span<const std::byte> bytes) -> Result<> {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  };
}

// Builds a tar entry by entry: TarBuilder().file("a", "text").link("b", "a").str().
class TarBuilder {
 public:
  TarBuilder& add(TarHeader header, std::string_view content = {}) {
    EXPECT_TRUE(writer_.add_text(std::move(header), content));
    return *this;
  }
  TarBuilder& file(const std::string& path, std::string_view content, std::uint32_t mode = 0644) {
    return add({.path = path, .link = {}, .type = '0', .mode = mode, .mtime = 1'700'000'000, .xattrs = {}}, content);
  }
  TarBuilder& dir(const std::string& path, std::uint32_t mode = 0755) {
    return add({.path = path + "/", .link = {}, .type = '5', .mode = mode, .mtime = 1'600'000'000, .xattrs = {}});
  }
  TarBuilder& symlink(const std::string& path, const std::string& target) {
    return add({.path = path, .link = target, .type = '2', .mode = 0777, .xattrs = {}});
  }
  TarBuilder& hard_link(const std::string& path, const std::string& target) {
    return add({.path = path, .link = target, .type = '1', .xattrs = {}});
  }
  std::string str() {
    EXPECT_TRUE(writer_.finish());
    return text_;
  }

 private:
  std::string text_;
  TarWriter writer_{sink_to(text_)};
};

inline std::string gzip(const std::string& text) {
  std::string packed;
  auto writer = GzipWriter::create(sink_to(packed));
  EXPECT_TRUE(writer);
  EXPECT_TRUE(writer->write(std::as_bytes(std::span(text))));
  EXPECT_TRUE(writer->finish());
  return packed;
}

inline Reference named(std::string_view text) {
  return Reference::parse(text).value();
}

// A descriptor from which the content can be read.
inline Fd file_with(const TempDir& directory, const std::string& content) {
  const std::string path = directory / "input";
  EXPECT_TRUE(write_file_atomic(path, content));
  return std::move(open_file(path, O_RDONLY)).value();
}

// Patience with pauses that take almost no time.
inline Patience quick_patience() {
  Patience patience;
  patience.first_pause = patience.longest_pause = std::chrono::milliseconds(1);
  patience.manifests = patience.layers = std::chrono::minutes(10);
  return patience;
}

inline bool is_root() {
  return ::geteuid() == 0;
}

}  // namespace consort::image
