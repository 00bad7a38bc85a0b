#include "supervisor/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/json.hpp"
#include "base/os/files/file.hpp"

namespace consort::supervisor {
namespace {

struct Opened {
  Fd fd;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t begun = 0;  // as in JournalPosition; 0: no line yet
};

constexpr std::string_view line_begin = R"({"t":)";  // of each line: entry_to_json()

std::uint64_t begun_of(const Fd& fd) {
  std::array<char, 32> text;
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  const std::string_view line(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  std::uint64_t time = 0;
  if (line.starts_with(line_begin)) std::from_chars(line.data() + line_begin.size(), line.data() + line.size(), time);
  return time;
}

bool is_read_in(const Opened& file, const JournalPosition& position) {
  return file.inode == position.inode && (file.begun == position.begun || position.offset == 0);
}

Result<Opened> look_at(Fd fd, const std::string& path) {
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return fail_errno("look at", path);
  return Opened{std::move(fd), st.st_ino, static_cast<std::uint64_t>(st.st_size)};
}

Result<Opened> open_to_append(const std::string& project_run) {
  const std::string path = journal_path(project_run);
  constexpr int flags = O_RDWR | O_CREAT | O_APPEND;
  auto fd = open_file(path, flags, 0600);
  if (!fd && fd.error().sys_errno() == ENOENT) {
    TRY(make_directories(project_run, 0700));
    fd = open_file(path, flags, 0600);
  }
  if (!fd) return std::unexpected(std::move(fd).error());
  return look_at(std::move(*fd), path);
}

// Two writers that find it full at the same time must not both rename it: that would lose the full journal. Neither
// waits for the other: a command may have been stopped (Ctrl-Z) meanwhile, and the supervisor's loop writes here, too.
Result<> set_aside(const std::string& project_run, const Opened& full) {
  const std::string path = journal_path(project_run);
  if (::flock(full.fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return {};
    return fail_errno("lock", path);
  }
  struct stat st;
  if (::stat(path.c_str(), &st) != 0 || st.st_ino != full.inode) return {};  // the other writer has done it
  return rename_path(path, path + ".1");
}

// A writer died, or the disk was full, in the middle of a line: our line must not become part of it.
bool ends_torn(const Opened& file) {
  char last = '\n';
  return file.size > 0 && ::pread(file.fd.get(), &last, 1, static_cast<off_t>(file.size - 1)) == 1 && last != '\n';
}

Result<std::optional<Opened>> open_to_read(const std::string& path) {
  auto fd = open_file(path, O_RDONLY);
  if (!fd && fd.error().sys_errno() == ENOENT) return std::optional<Opened>();
  if (!fd) return std::unexpected(std::move(fd).error());
  Opened file = TRY(look_at(std::move(*fd), path));
  file.begun = begun_of(file.fd);
  return std::optional(std::move(file));
}

// Adds the complete lines from offset on, and returns the end of the last one.
Result<std::uint64_t> read_lines(const Opened& file, std::uint64_t offset, std::vector<JournalEntry>& entries) {
  if (offset >= file.size) return offset;  // a spurious wake-up, or the other file was written
  std::string text(file.size - offset, '\0');
  const ssize_t got = ::pread(file.fd.get(), text.data(), text.size(), static_cast<off_t>(offset));
  if (got < 0) return fail_errno("read journal of events");
  text.resize(static_cast<std::size_t>(got));
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    if (auto entry = entry_from_json(std::string_view(text).substr(begin, end - begin)))
      entries.push_back(std::move(*entry));
    begin = end + 1;
  }
  return offset + begin;
}

Result<> read_from(const Opened& file, std::uint64_t offset, JournalPosition& position,
                   std::vector<JournalEntry>& entries) {
  const std::uint64_t end = TRY(read_lines(file, offset, entries));
  position = {file.inode, end, file.begun};
  return {};
}

}  // namespace

std::string journal_path(const std::string& project_run) {
  return join_path(project_run, "events.log");
}

std::string entry_to_json(const JournalEntry& entry) {
  Json json{
      {"t", entry.time.time_since_epoch().count()}, {"action", entry.action}, {"id", entry.id}, {"name", entry.name}};
  if (!entry.attributes.empty()) json["attributes"] = entry.attributes;
  if (entry.exec != 0) json["exec"] = entry.exec;
  if (!entry.network_id.empty()) json["network"] = {{"id", entry.network_id}, {"name", entry.network_name}};
  return dump_json(json);
}

Result<JournalEntry> entry_from_json(std::string_view line) {
  const Json json = TRY(parse_json(line, "journal of events"));
  JournalEntry entry;
  entry.time = SystemTime(Nanoseconds(get_int(json, "t")));
  entry.action = get_string(json, "action");
  entry.id = get_string(json, "id");
  if (entry.action.empty() || entry.id.empty()) return fail(Code::invalid, "read journal of events");
  entry.name = get_string(json, "name");
  if (const Json* own = find_key(json, "attributes"); own != nullptr && own->is_object())
    for (const auto& [key, value] : own->items())
      if (value.is_string()) entry.attributes[key] = value.get<std::string>();
  entry.exec = static_cast<std::uint64_t>(get_int(json, "exec"));
  if (const Json* network = find_key(json, "network"); network != nullptr && network->is_object()) {
    entry.network_id = get_string(*network, "id");
    entry.network_name = get_string(*network, "name");
  }
  return entry;
}

// Opened each time: that costs two more system calls than keeping a descriptor, but we need not detect that another
// writer has rotated the file.
Result<> append_to_journal(const std::string& project_run, const JournalEntry& entry) {
  Opened file = TRY(open_to_append(project_run));
  if (file.size >= journal_bytes_limit) {
    TRY(set_aside(project_run, file));
    file = TRY(open_to_append(project_run));
  }
  return write_full(file.fd.get(), (ends_torn(file) ? "\n" : "") + entry_to_json(entry) + "\n");
}

Result<std::vector<JournalEntry>> read_journal(const std::string& project_run, JournalPosition& position) {
  const std::string path = journal_path(project_run);
  std::vector<JournalEntry> entries;
  for (int tries = 0; tries < 10; ++tries) {
    const auto current = TRY(open_to_read(path));
    const auto earlier = TRY(open_to_read(path + ".1"));
    if (current && earlier && current->inode == earlier->inode) continue;  // set aside between opening the two
    if (current && is_read_in(*current, position)) {
      TRY(read_from(*current, position.offset, position, entries));
      return entries;
    }
    // The rest of the file that was read last, or all of it if that is unknown.
    if (earlier) {
      const std::uint64_t from = is_read_in(*earlier, position) ? position.offset : 0;
      TRY(read_from(*earlier, from, position, entries));
    }
    if (current) TRY(read_from(*current, 0, position, entries));
    return entries;
  }
  return entries;
}

Result<JournalPosition> end_of_journal(const std::string& project_run) {
  const auto current = TRY(open_to_read(journal_path(project_run)));
  if (!current) return JournalPosition{};
  return JournalPosition{current->inode, current->size, current->begun};
}

}  // namespace consort::supervisor
