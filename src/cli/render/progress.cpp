#include "cli/render/progress.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>

#include "base/cells.hpp"
#include "base/json.hpp"
#include "base/letters.hpp"
#include "cli/render/build_text.hpp"
#include "cli/render/last_lines.hpp"
#include "cli/render/lost_output.hpp"

namespace consort::cli {

namespace {

using project::ProgressEvent;

class QuietProgress : public project::Progress {
 public:
  QuietProgress(Terminal terminal, ProgressOptions options) : terminal_(terminal), options_(std::move(options)) {}
  void begin(std::string_view) override {}
  void event(const ProgressEvent&) override {}
  void step(const project::BuildStep&) override {}
  void finish() override {}
  void output(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    foreign(text);
  }
  void log(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    options_.out(text);
  }
  void warn(const std::string& message) override {
    const std::scoped_lock lock(mutex_);
    if (warned_.insert(message).second) print_warning(terminal_, message);
  }

 protected:
  void foreign(std::string_view text) {
    options_.out(terminal_.out_is_terminal ? as_terminal_lines(text) : std::string(text));
  }

  std::mutex mutex_;
  Terminal terminal_;
  ProgressOptions options_;
  std::set<std::string> warned_;
};

// Byte counts change many times a second, so a log only gets the beginnings and ends.
bool only_counts(std::map<std::string, std::string>& last, const ProgressEvent& event) {
  if (event.parent.empty()) return false;
  std::string& text = last[event.parent + "/" + event.id];
  if (text == event.text) return true;
  text = event.text;
  return false;
}

class PlainProgress final : public QuietProgress {
 public:
  using QuietProgress::QuietProgress;
  void event(const ProgressEvent& event) override {
    const std::scoped_lock lock(mutex_);
    if (only_counts(last_, event)) return;
    options_.err(plain_line(event, options_.dry_run) + "\n");
  }
  void step(const project::BuildStep& step) override {
    const std::scoped_lock lock(mutex_);
    if (const std::string text = builds_.step(step, options_.now()); !text.empty()) foreign(text);
  }

 private:
  std::map<std::string, std::string> last_;
  BuildText builds_;
};

class JsonProgress final : public QuietProgress {
 public:
  using QuietProgress::QuietProgress;
  void event(const ProgressEvent& event) override {
    const std::scoped_lock lock(mutex_);
    options_.err(json_line(event, options_.dry_run) + "\n");
  }
  void step(const project::BuildStep& step) override {
    const std::scoped_lock lock(mutex_);
    print_stream(builds_.step(step, options_.now()));
  }
  void output(std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    print_stream(text);
  }
  void log(std::string_view text) override { output(text); }

 private:
  void print_stream(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
      lines += sanitized_json(dump_json(Json{{"stream", text.substr(0, end)}})) + "\n";
      text.remove_prefix(end);
    }
    if (!lines.empty()) options_.out(lines);
  }

  BuildText builds_;
};

}  // namespace

void print_or_interrupt(std::string_view text) {
  const Result<> written = write_until_interrupted(STDOUT_FILENO, text);
  if (written || written.error().code() == Code::interrupted) return;
  if (written.error().sys_errno() != EPIPE) return note_lost_output(written.error());
  ::kill(::getpid(), SIGINT);
}

Size error_terminal_size() {
  return {.columns = terminal_columns(STDERR_FILENO), .rows = terminal_lines(STDERR_FILENO)};
}

std::optional<ProgressMode> parse_progress(std::string_view text) {
  if (text == "auto" || text.empty()) return ProgressMode::automatic;
  if (text == "tty") return ProgressMode::tty;
  if (text == "plain") return ProgressMode::plain;
  if (text == "json") return ProgressMode::json;
  if (text == "quiet" || text == "none") return ProgressMode::quiet;
  return std::nullopt;
}

std::string plain_line(const ProgressEvent& event, bool dry_run) {
  const std::string prefix = dry_run ? " DRY-RUN MODE - " : "";
  return sanitized_line(prefix + " " + event.id + " " + event.text + " " + event.status);
}

std::string json_line(const ProgressEvent& event, bool dry_run) {
  Json object = Json::object();
  if (dry_run) object["dry-run"] = true;
  if (!event.id.empty()) object["id"] = event.id;
  if (!event.parent.empty()) object["parent_id"] = event.parent;
  if (!event.text.empty()) object["text"] = event.text;
  if (!event.status.empty()) object["status"] = event.status;
  if (event.current) object["current"] = event.current;
  if (event.total) object["total"] = event.total;
  if (event.total && event.current) object["percent"] = event.current * 100 / event.total;
  return sanitized_json(dump_json(object));
}

std::unique_ptr<project::Progress> make_progress(const Terminal& terminal, const ProgressOptions& options) {
  ProgressMode mode = options.mode;
  if (mode == ProgressMode::automatic) mode = terminal.can_draw_err() ? ProgressMode::tty : ProgressMode::plain;
  switch (mode) {
    case ProgressMode::tty:
      return make_tty_progress(terminal, options);
    case ProgressMode::json:
      return std::make_unique<JsonProgress>(terminal, options);
    case ProgressMode::quiet:
      return std::make_unique<QuietProgress>(terminal, options);
    default:
      return std::make_unique<PlainProgress>(terminal, options);
  }
}

}  // namespace consort::cli
