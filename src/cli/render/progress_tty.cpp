// The redrawn block of a terminal:
//   [+] Running 2/3
//    ✔ Network lms_default  Created                      0.1s
//    ⠹ Container lms_db     Starting                     0.4s
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "cli/render/progress.hpp"

namespace consort::cli {

namespace {

using project::Outlook;
using project::ProgressEvent;
using Clock = std::chrono::steady_clock;

constexpr std::array spinner{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::string_view reset = "\033[0m";

std::string coloured(std::string_view code, std::string_view text) {
  return "\033[" + std::string(code) + "m" + std::string(text) + std::string(reset);
}

// Code points, which is near enough to cells for what we print.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

class TtyProgress final : public project::Progress {
 public:
  TtyProgress(Terminal terminal, ProgressOptions options) : terminal_(terminal), options_(std::move(options)) {}
  ~TtyProgress() override { TtyProgress::finish(); }

  void begin(std::string_view title) override {
    finish();
    const std::scoped_lock lock(mutex_);
    title_ = title;
    rows_.clear();
    drawn_lines_ = 0;
    running_ = true;
    painter_ = std::thread([this] { paint(); });
  }

  void event(const ProgressEvent& event) override {
    const std::scoped_lock lock(mutex_);
    auto found = std::ranges::find_if(
        rows_, [&](const Row& row) { return row.event.id == event.id && row.event.parent == event.parent; });
    if (found == rows_.end()) {
      rows_.push_back({event, Clock::now(), {}, Clock::now(), event.current});
      found = rows_.end() - 1;
    } else {
      if (found->event.text != event.text) {
        found->phase_begun = Clock::now();
        found->phase_start = event.current;
      }
      found->event = event;
    }
    found->ended = event.outlook == Outlook::working ? std::nullopt : std::optional(Clock::now());
    dirty_ = true;
    changed_.notify_one();
  }

  void finish() override {
    {
      const std::scoped_lock lock(mutex_);
      if (!running_) return;
      running_ = false;
      changed_.notify_one();
    }
    painter_.join();
    draw();
    if (drawn_lines_ > 0) options_.err("\033[?25h");
    drawn_lines_ = 0;
  }

  void output(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    erase();
    options_.out(text);
  }
  void warn(const std::string& message) override {
    const std::scoped_lock lock(mutex_);
    erase();
    print_warning(terminal_, message);
  }

 private:
  struct Row {
    ProgressEvent event;
    Clock::time_point begun;
    std::optional<Clock::time_point> ended;
    Clock::time_point phase_begun;  // since "Downloading"
    std::uint64_t phase_start = 0;  // bytes that were there before
  };

  // " 12.3MB/s" of bytes that move and whose end is known.
  static std::string speed_of(const Row& row) {
    const ProgressEvent& event = row.event;
    const double seconds = std::chrono::duration<double>(Clock::now() - row.phase_begun).count();
    if (event.outlook != Outlook::working || event.total == 0 || event.current <= row.phase_start || seconds < 0.1)
      return {};
    const double bytes = static_cast<double>(event.current - row.phase_start);
    return " " + human_bytes_decimal(static_cast<std::uint64_t>(bytes / seconds)) + "/s";
  }

  void paint() {
    std::unique_lock lock(mutex_);
    while (running_) {
      // The first picture comes at once, later ones with the spinner.
      changed_.wait_for(lock, std::chrono::milliseconds(100),
                        [this] { return !running_ || (dirty_ && !drawn_lines_); });
      if (running_) draw();
    }
  }

  void erase() {
    if (drawn_lines_ == 0) return;
    options_.err("\033[" + std::to_string(drawn_lines_) + "A\033[J");
    drawn_lines_ = 0;
  }

  static std::string mark(Outlook outlook, std::size_t frame) {
    switch (outlook) {
      case Outlook::working:
        return coloured("34", spinner[frame % spinner.size()]);
      case Outlook::done:
        return coloured("32", "✔");
      case Outlook::warning:
        return coloured("33", "!");
      case Outlook::error:
        return coloured("31", "✘");
    }
    return " ";
  }

  static std::string_view colour_of(Outlook outlook) {
    switch (outlook) {
      case Outlook::working:
        return "34";
      case Outlook::done:
        return "32";
      case Outlook::warning:
        return "33";
      case Outlook::error:
        return "31";
    }
    return "0";
  }

  std::string row_text(const Row& row, std::size_t name_width, std::size_t columns) const {
    const ProgressEvent& event = row.event;
    std::string name = event.id + (event.text.empty() ? "" : " " + event.text);
    name.append(name_width - std::min(name_width, width_of(name)), ' ');
    const double seconds = std::chrono::duration<double>(row.ended.value_or(Clock::now()) - row.begun).count();
    char clock[32];
    std::snprintf(clock, sizeof clock, "%.1fs", seconds);
    const std::string indent = event.parent.empty() ? " " : "   ";
    std::string status = sanitized(event.status) + speed_of(row);
    const std::size_t used = indent.size() + 2 + width_of(name) + 2;
    const std::size_t room =
        columns > used + std::string_view(clock).size() + 2 ? columns - used - std::string_view(clock).size() - 1 : 0;
    if (status.size() > room) status.resize(room);
    const std::string gap(room - std::min(room, width_of(status)), ' ');
    const std::string dry = options_.dry_run ? coloured("35", "DRY-RUN MODE - ") : "";
    return indent + mark(event.outlook, frame_) + " " + dry + name + "  " + coloured(colour_of(event.outlook), status) +
           gap + coloured("34", clock) + "\n";
  }

  // A layer that is done says no more than that; once its image is there, nothing at all.
  bool is_shown(const Row& row) const {
    if (row.event.parent.empty()) return true;
    return std::ranges::none_of(rows_, [&](const Row& other) {
      return other.event.parent.empty() && other.event.id == row.event.parent &&
             other.event.outlook != Outlook::working;
    });
  }

  void draw() {
    if (rows_.empty()) return;
    const std::size_t columns = terminal_columns(STDERR_FILENO);
    std::size_t done = 0, total = 0, name_width = 0;
    for (const Row& row : rows_) {
      if (!row.event.parent.empty()) continue;
      ++total;
      if (row.event.outlook != Outlook::working) ++done;
    }
    for (const Row& row : rows_)
      name_width =
          std::max(name_width, width_of(row.event.id) + (row.event.text.empty() ? 0 : 1 + width_of(row.event.text)));
    name_width = std::min(name_width, columns / 2);
    std::string head = "[+] " + title_ + " " + std::to_string(done) + "/" + std::to_string(total);
    if (done == total) head = coloured("34", head);
    std::string picture = drawn_lines_ ? "\033[" + std::to_string(drawn_lines_) + "A\033[J" : "\033[?25l";
    picture += head + "\n";
    std::size_t lines = 1;
    const std::size_t room = std::max<std::size_t>(terminal_lines(STDERR_FILENO), 4) - 1;
    for (const Row& row : rows_) {
      if (!is_shown(row)) continue;
      // A picture higher than the terminal could not be drawn over: the last layers wait out of sight.
      if (!row.event.parent.empty() && lines + total >= room) continue;
      picture += row_text(row, name_width, columns);
      ++lines;
    }
    options_.err(picture);
    drawn_lines_ = lines;
    dirty_ = false;
    ++frame_;
  }

  Terminal terminal_;
  ProgressOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread painter_;
  std::string title_;
  std::vector<Row> rows_;
  std::size_t drawn_lines_ = 0;
  std::size_t frame_ = 0;
  bool running_ = false, dirty_ = false;
};

}  // namespace

std::unique_ptr<project::Progress> make_tty_progress(const Terminal& terminal, const ProgressOptions& options) {
  return std::make_unique<TtyProgress>(terminal, options);
}

}  // namespace consort::cli
