#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <utility>

#include "base/os/files/file.hpp"
#include "supervisor/log.hpp"
#include "supervisor/log/log_file.hpp"
#include "supervisor/log/log_format.hpp"
#include "supervisor/log/log_lines.hpp"

namespace consort::supervisor {
namespace {

// Copies of lines, for the tail. `cut`: the beginning of the line may be missing.
struct KeptLine {
  SystemTime time{};
  LogStream stream = LogStream::out;
  std::string text;
  bool complete = true;
  bool cut = false;
};

using CutLineHandler = std::function<void(const LogLine&, bool cut)>;

struct Start {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  LineAssembler::Beginning beginning = LineAssembler::Beginning::whole;
};

}  // namespace

struct LogReader::Impl {
  std::string path;
  LogReadOptions options;
  bool begun = false;
  bool holding = false;
  std::optional<LogFile> current;
  LogPosition at;  // in current
  LineAssembler lines{LineAssembler::Beginning::whole};
  Fd inotify;
  int watch = -1;

  Impl(std::string log_path, LogReadOptions read_options) : path(std::move(log_path)), options(read_options) {}

  bool wanted(const LogLine& line) const {
    return (!options.since || line.time >= *options.since) && (!options.until || line.time < *options.until);
  }
  void give(const LogLine& line, LineHandler& handler) const {
    if (wanted(line)) handler(line);
  }

  Result<std::vector<LogFile>> open_all() const;
  Result<std::optional<std::uint64_t>> last_block_before_since(const LogFile& file) const;
  Result<Start> find_time(const std::vector<LogFile>& files) const;
  Result<Start> find_tail(std::vector<LogFile>& files, std::size_t newlines) const;
  Result<> read_from(std::vector<LogFile>& files, Start start, const LogFile::RecordHandler& handler);
  Result<> read_lines_from(std::vector<LogFile>& files, Start start, const CutLineHandler& handler);
  Result<bool> collect_tail(Start start, std::deque<KeptLine>& kept);
  Result<> begin(LineHandler& handler);
  Result<> go_on(const LogFile::RecordHandler& handler);
  Result<bool> step(const LogFile::RecordHandler& handler);
  Result<std::optional<LogFile>> find_newer(bool& lost) const;
  Result<bool> next_file(const LogFile::RecordHandler& handler);
};

Result<std::vector<LogFile>> LogReader::Impl::open_all() const {
  std::vector<LogFile> files;
  for (const std::string& name : log_file_names(path)) {
    auto file = TRY(LogFile::open(name));
    // A rotation between two opens makes one file appear twice.
    if (file && (files.empty() || files.back().inode() != file->inode())) files.push_back(std::move(*file));
  }
  return files;
}

// The last block that shows that everything before it is too old: it begins before `since`, and nothing before it is
// later. The times of the blocks that have one are in order, regardless of clock changes.
Result<std::optional<std::uint64_t>> LogReader::Impl::last_block_before_since(const LogFile& file) const {
  std::optional<std::uint64_t> found;
  std::uint64_t low = 0, high = (TRY(file.size()) + log_block_bytes - 1) / log_block_bytes;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    std::uint64_t block = middle + 1;
    std::optional<SystemTime> time;
    while (!time && block > low) time = file.block_time(--block * log_block_bytes);
    if (time && *time >= *options.since) {
      high = block;
      continue;
    }
    if (time) found = block;
    low = middle + 1;
  }
  return found;
}

Result<Start> LogReader::Impl::find_time(const std::vector<LogFile>& files) const {
  for (std::size_t i = files.size(); i-- > 0;) {
    const auto block = TRY(last_block_before_since(files[i]));
    if (!block) continue;
    const bool first = i == 0 && *block == 0;
    return Start{i, *block * log_block_bytes, first ? LineAssembler::Beginning::whole : LineAssembler::Beginning::cut};
  }
  return Start{};
}

// The last block that is followed by at least this many newlines.
Result<Start> LogReader::Impl::find_tail(std::vector<LogFile>& files, std::size_t newlines) const {
  std::size_t seen = 0;
  for (std::size_t i = files.size(); i-- > 0;) {
    std::uint64_t block = (TRY(files[i].size()) + log_block_bytes - 1) / log_block_bytes;
    while (block-- > 0) {
      LogPosition begin{block * log_block_bytes, 0};
      (void)TRY(files[i].read_block(begin, [&](const LogRecord& record) {
        seen += static_cast<std::size_t>(std::ranges::count(record.bytes, '\n'));
      }));
      if (seen >= newlines && !(i == 0 && block == 0))
        return Start{i, block * log_block_bytes, LineAssembler::Beginning::cut};
    }
  }
  return Start{};
}

// Reads to the end and leaves `current` and `at` where following continues.
Result<> LogReader::Impl::read_from(std::vector<LogFile>& files, Start start, const LogFile::RecordHandler& handler) {
  for (std::size_t i = start.file; i < files.size(); ++i) {
    at = {i == start.file ? start.offset : 0, 0};
    TRY(files[i].read(at, handler));
  }
  if (!files.empty()) current = std::move(files.back());
  return {};
}

Result<> LogReader::Impl::read_lines_from(std::vector<LogFile>& files, Start start, const CutLineHandler& handler) {
  lines = LineAssembler(start.beginning);
  return read_from(files, start, [&](const LogRecord& record) { lines.add(record, handler); });
}

// Collects the last lines, and returns whether all of them are complete: a line that began before `start` is not.
Result<bool> LogReader::Impl::collect_tail(Start start, std::deque<KeptLine>& kept) {
  std::vector<LogFile> files = TRY(open_all());
  if (start.file >= files.size()) start = Start{};
  TRY(read_lines_from(files, start, [&](const LogLine& line, bool cut) {
    kept.push_back(KeptLine{line.time, line.stream, std::string(line.text), line.complete, cut});
    if (kept.size() > *options.tail) kept.pop_front();
  }));
  return std::ranges::none_of(kept, [](const KeptLine& line) { return line.cut; });
}

Result<> LogReader::Impl::begin(LineHandler& handler) {
  begun = true;
  std::vector<LogFile> files = TRY(open_all());
  const auto give_whole = [&](const LogLine& line, bool cut) {
    if (!cut || !options.since) give(line, handler);  // a cut line began before `since`
  };
  if (!options.tail) return read_lines_from(files, options.since ? TRY(find_time(files)) : Start{}, give_whole);
  // Two more than wanted: one line of each stream may be cut off by the block where we start.
  std::size_t newlines = *options.tail + 2;
  while (true) {
    const Start start = TRY(find_tail(files, newlines));
    std::deque<KeptLine> kept;
    const bool whole = TRY(collect_tail(start, kept));
    const bool from_the_start = start.file == 0 && start.offset == 0;
    if (whole || from_the_start) {
      for (const KeptLine& line : kept) give(LogLine{line.time, line.stream, line.text, line.complete}, handler);
      return {};
    }
    newlines *= 4;
  }
}

// The file after ours; if ours is gone, the oldest file. A rotation during the search can hide ours: then `lost` is
// set.
Result<std::optional<LogFile>> LogReader::Impl::find_newer(bool& lost) const {
  // Includes the gap that a rotation leaves: ours may be in it by the time we get there, and if we missed it, we would
  // continue with an older one and output its bytes a second time.
  const std::vector<std::string> names = log_file_places(path);
  std::optional<LogFile> newer;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    auto file = TRY(LogFile::open(*name));
    if (!file) continue;
    if (current && file->inode() == current->inode()) return newer;
    newer = std::move(file);
  }
  lost = current.has_value();
  return newer;
}

// After a rotation our file is path.1 or older: continues with the one after it.
Result<bool> LogReader::Impl::next_file(const LogFile::RecordHandler& handler) {
  // A file that we hold exists: look again until it shows up. If we do not hold it, it may really be gone.
  const int most_looks = holding ? 100 : 3;
  bool lost = false;
  std::optional<LogFile> newer = TRY(find_newer(lost));
  for (int i = 0; lost && i < most_looks; ++i) {
    lost = false;
    newer = TRY(find_newer(lost));
  }
  if (!newer) return false;
  if (holding) TRY(newer->hold());               // before releasing ours
  if (current) TRY(current->read(at, handler));  // data written between our last read and the rotation
  current = std::move(newer);
  at = {};
  return true;
}

// Each file that there is at the beginning, once: a writer may rotate as fast as we read.
Result<> LogReader::Impl::go_on(const LogFile::RecordHandler& handler) {
  std::size_t files = log_file_names(path).size();
  do {
    if (current) TRY(current->read(at, handler));
  } while (files-- > 0 && TRY(next_file(handler)));
  return {};
}

// A block, or the way to the next file. False: nothing more at present.
Result<bool> LogReader::Impl::step(const LogFile::RecordHandler& handler) {
  if (current && TRY(current->read_block(at, handler))) return true;
  return next_file(handler);
}

LogReader::LogReader(std::string path, LogReadOptions options)
    : impl_(std::make_unique<Impl>(std::move(path), options)) {}
LogReader::~LogReader() = default;
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;

Result<> LogReader::read(LineHandler& handler) {
  if (!impl_->begun) return impl_->begin(handler);
  const auto give = [&](const LogLine& line, bool) { impl_->give(line, handler); };
  return impl_->go_on([&](const LogRecord& record) { impl_->lines.add(record, give); });
}

Result<bool> LogReader::read_part(LineHandler& handler) {
  if (!impl_->begun) {
    TRY(impl_->begin(handler));
    return false;
  }
  const auto give = [&](const LogLine& line, bool) { impl_->give(line, handler); };
  constexpr std::uint64_t part_bytes = 1 << 20;
  for (std::uint64_t done = 0; done < part_bytes; done += log_block_bytes)
    if (!TRY(impl_->step([&](const LogRecord& record) { impl_->lines.add(record, give); }))) return false;
  return true;
}

void LogReader::flush(LineHandler& handler) {
  impl_->lines.flush([&](const LogLine& line, bool) { impl_->give(line, handler); });
}

Result<bool> LogReader::read_bytes(const RecordHandler& handler) {
  if (!std::exchange(impl_->begun, true)) {
    std::vector<LogFile> files = TRY(impl_->open_all());
    // A tail needs lines, not bytes; `since` determines in which block to begin.
    const Start start = impl_->options.since ? TRY(impl_->find_time(files)) : Start{};
    impl_->at = {start.offset, 0};
    if (!files.empty()) impl_->current = std::move(files[start.file]);
  }
  return impl_->step(handler);
}

Result<> LogReader::hold() {
  { const Fd made = TRY_WRAP(open_file(impl_->path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), "create log"); }
  impl_->current = TRY(LogFile::open(impl_->path));
  std::optional<LogFile>& file = impl_->current;
  if (!file) return fail(Code::not_found, "open log", impl_->path);
  impl_->begun = impl_->holding = true;
  return file->hold();
}

Result<> LogReader::skip_to_end() {
  impl_->begun = true;
  std::vector<LogFile> files = TRY(impl_->open_all());
  if (files.empty()) return {};
  const std::uint64_t last_block = TRY(files.back().size()) / log_block_bytes * log_block_bytes;
  return impl_->read_from(files, Start{files.size() - 1, last_block}, [](const LogRecord&) {});
}

Result<int> LogReader::watch_fd() {
  if (impl_->inotify) return impl_->inotify.get();
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return fail_errno("watch log");
  // Watch the directory: it also reports the file's creation and rotations.
  const std::string directory = dir_name(impl_->path);
  impl_->watch = ::inotify_add_watch(fd.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM);
  if (impl_->watch < 0) return fail_errno("watch directory", directory);
  impl_->inotify = std::move(fd);
  return impl_->inotify.get();
}

void LogReader::acknowledge() {
  std::array<char, 4096> events;
  while (impl_->inotify && ::read(impl_->inotify.get(), events.data(), events.size()) > 0) {
  }
}

void LogReader::unwatch() {
  if (const int watch = std::exchange(impl_->watch, -1); watch >= 0) ::inotify_rm_watch(impl_->inotify.get(), watch);
}

}  // namespace consort::supervisor
