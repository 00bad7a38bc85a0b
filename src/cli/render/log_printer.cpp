#include "cli/render/log_printer.hpp"

#include <algorithm>
#include <array>

#include "base/letters.hpp"
#include "base/time.hpp"

namespace consort::cli {

namespace {

constexpr std::array palette{"36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"};

// Text beyond this is shown before the batch ends, so that large batches need no memory.
constexpr std::size_t held_at_most = 65'536;

}  // namespace

void LogPrinter::begin_batch() {
  const std::scoped_lock lock(mutex_);
  ++batches_;
}

void LogPrinter::end_batch() {
  const std::scoped_lock lock(mutex_);
  if (--batches_ == 0) show_held();
}

void LogPrinter::show_held() {
  if (held_.empty()) return;
  (held_for_err_ ? style_.err : style_.out)(held_);
  held_.clear();
}

// Both streams may be the same terminal, so text must appear in the order in which it was written.
void LogPrinter::show(bool to_err, std::string_view text) {
  if (to_err != held_for_err_) show_held();
  held_for_err_ = to_err;
  held_ += text;
  if (batches_ == 0 || held_.size() >= held_at_most) show_held();
}

void LogPrinter::join(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (colours_.contains(name)) return;
  const std::size_t next = colours_.size();
  colours_[name] = next;
  width_ = std::max(width_, name.size() + 1);
}

std::string LogPrinter::prefix(const std::string& name) {
  std::string text = name;
  text.resize(std::max(width_, name.size() + 1), ' ');
  text += " | ";
  if (!style_.colour) return text;
  return "\033[" + std::string(palette[colours_[name] % palette.size()]) + "m" + text + "\033[0m";
}

void LogPrinter::line(const std::string& name, const engine::LogLine& line) {
  const std::scoped_lock lock(mutex_);
  std::string text = style_.prefix ? prefix(name) : std::string();
  if (style_.timestamps) text += format_rfc3339(line.time) + " ";
  text += line.text;
  text += '\n';
  const bool to_err = style_.streams == Streams::separate && line.stream == engine::LogStream::err;
  show(to_err, text);
}

void LogPrinter::watch_line(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  std::string prefix;
  if (style_.prefix) prefix = std::string(width_, ' ') + " ⦿ ";
  if (style_.prefix && style_.colour) prefix = "\033[92m" + prefix + "\033[0m";
  show(false, prefix + sanitized(text) + "\n");
}

void LogPrinter::status(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  show(false, "\r\033[K" + sanitized(text) + "\n");
}

}  // namespace consort::cli
