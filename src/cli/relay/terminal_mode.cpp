#include "cli/relay/terminal_mode.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/strings.hpp"

namespace consort::cli {

RawTerminal::RawTerminal() {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  termios raw = before_;
  ::cfmakeraw(&raw);
  raw_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (raw_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

engine::TerminalSize terminal_size() {
  winsize size{};
  for (const int fd : {STDOUT_FILENO, STDIN_FILENO})
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return {.rows = size.ws_row, .columns = size.ws_col};
  return {};
}

DetachKeys::DetachKeys(std::string_view keys) {
  for (const std::string& key : split(keys, ',')) {
    if (key.size() == 1) {
      sequence_ += key;
    } else if (key.size() == 6 && key.starts_with("ctrl-")) {
      sequence_ += static_cast<char>(key[5] & 0x1f);
    }
  }
  if (sequence_.empty()) sequence_ = "\x10\x11";
}

DetachKeys::Filtered DetachKeys::feed(std::string_view typed) {
  Filtered result;
  for (const char c : typed) {
    if (c == sequence_[matched_]) {
      if (++matched_ < sequence_.size()) continue;
      result.detached = true;
      return result;
    }
    result.text += sequence_.substr(0, matched_);  // it was not the sequence after all
    matched_ = c == sequence_[0] ? 1 : 0;
    if (matched_ == 0) result.text += c;
  }
  return result;
}

}  // namespace consort::cli
