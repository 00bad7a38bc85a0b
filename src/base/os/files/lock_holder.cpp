#include "base/os/files/lock_holder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/os/fd.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr int most_looks = 3;
constexpr int most_unseen = 60;
constexpr std::size_t most_bytes = std::size_t{16} << 20;

// As /proc/locks names a file: the device of its file system and the kernel's inode, which are not always those of
// stat(2) (btrfs, overlayfs).
struct FileName {
  std::uint64_t major = 0, minor = 0, inode = 0;
  bool operator==(const FileName&) const = default;
};

std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "08:01:1234" or, with two parts only, "8:1".
std::optional<FileName> file_name(std::string_view text, int base) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const auto major = number(parts[0], base), minor = number(parts[1], base);
  const auto inode = parts.size() == 3 ? number(parts[2]) : 0;
  if (!major || !minor || !inode) return std::nullopt;
  return FileName{*major, *minor, *inode};
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::string& word : split(line, ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// The value of "mnt_id:\t29" in a descriptor's own file.
std::optional<std::uint64_t> value_in(std::string_view fdinfo, std::string_view key) {
  for (const std::string& line : split(fdinfo, '\n'))
    if (line.starts_with(key)) return number(trim(std::string_view(line).substr(key.size())));
  return std::nullopt;
}

std::optional<FileName> device_of_mount(std::uint64_t mount) {
  const Result<std::string> table = read_file("/proc/self/mountinfo", most_bytes);
  if (!table) return std::nullopt;
  for (const std::string& line : split(*table, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() > 2 && number(words[0]) == mount) return file_name(words[2], 10);
  }
  return std::nullopt;
}

std::optional<FileName> name_of(const std::string& path) {
  // Without opening it properly: closing that would drop the locks that SQLite has in this process.
  const Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0) return std::nullopt;
  const std::string known = read_file("/proc/self/fdinfo/" + std::to_string(file.get()), 65536).value_or("");
  const auto mount = value_in(known, "mnt_id:");
  const auto device = mount ? device_of_mount(*mount) : std::nullopt;
  FileName name = device.value_or(FileName{major(st.st_dev), minor(st.st_dev), 0});
  name.inode = value_in(known, "ino:").value_or(st.st_ino);  // since Linux 5.14
  return name;
}

// "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; those who wait for it have an arrow behind the number.
std::optional<pid_t> holder_in(const std::string& line, const FileName& file, LockKind kind) {
  const std::vector<std::string> words = words_of(line);
  if (words.size() < 6 || words[1] != (kind == LockKind::flock ? "FLOCK" : "POSIX")) return std::nullopt;
  if (kind == LockKind::record && words[3] != "WRITE") return std::nullopt;
  const auto pid = number(words[4]);
  if (!pid || file_name(words[5], 16) != file) return std::nullopt;
  return static_cast<pid_t>(*pid);
}

}  // namespace

std::vector<pid_t> lock_holders(const std::string& path, LockKind kind) {
  std::vector<pid_t> holders;
  const std::optional<FileName> file = name_of(path);
  const Result<std::string> table = read_file("/proc/locks", most_bytes);
  if (!file || !table) return holders;
  for (const std::string& line : split(*table, '\n'))
    if (const auto pid = holder_in(line, *file, kind)) holders.push_back(*pid);
  return holders;
}

bool is_suspended(pid_t pid) {
  const auto process = stat_fields_of(pid);
  return process && (process->state() == 'T' || process->state() == 't');
}

std::string name_process(pid_t pid) {
  const std::string name = "process " + std::to_string(pid);
  Result<std::string> line = read_file("/proc/" + std::to_string(pid) + "/cmdline", 4096);
  if (!line) return name;
  for (char& c : *line)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  const std::string words = std::string(trim(*line)).substr(0, 200);
  return words.empty() ? name : name + " (" + words + ")";
}

Error suspended_holder(pid_t pid, const std::string& path) {
  const std::string number = std::to_string(pid);
  return Error(Code::busy, "lock")
      .on(path)
      .why(name_process(pid) + " has it locked and is stopped")
      .hint("`fg` in its terminal or `kill -CONT " + number + "` resumes it");
}

Result<> HolderWatch::look() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return {};
  next_ = now + between_looks_;
  const std::vector<pid_t> holders = lock_holders(fd_ < 0 ? path_ : "/proc/self/fd/" + std::to_string(fd_));
  unseen_ = holders.empty() ? unseen_ + 1 : 0;
  if (unseen_ == most_unseen) {
    return fail(Error(Code::busy, "lock")
                    .on(path_)
                    .why("a process has it locked that cannot be seen from here; it runs in another pid namespace or "
                         "on another machine")
                    .hint("look for it there, and resume or end it"));
  }
  const auto found = std::ranges::find_if(holders, is_suspended);
  if (found == holders.end()) {
    looks_ = 0;
    return {};
  }
  looks_ = suspended_ == *found ? looks_ + 1 : 1;
  suspended_ = *found;
  if (looks_ < most_looks) return {};
  return fail(suspended_holder(*found, path_));
}

}  // namespace consort
