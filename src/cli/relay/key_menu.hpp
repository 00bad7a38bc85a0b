// The keys of `up`: a line below the output that names them, on a terminal only.
#pragma once

#include <termios.h>

#include <mutex>
#include <string>
#include <string_view>

#include "cli/render/terminal.hpp"
#include "project/verbs/up.hpp"

namespace consort::cli {

// Whether the terminal is ours to ask: standard input and output are one, and we are its foreground.
bool can_show_keys(const Terminal& terminal);

// Single keys without echo until destruction. Ctrl-C and Ctrl-Z stay signals.
class KeyMenu final : public project::AttachKeys {
 public:
  explicit KeyMenu(const Terminal& terminal);
  ~KeyMenu() override;
  KeyMenu(const KeyMenu&) = delete;
  KeyMenu& operator=(const KeyMenu&) = delete;

  int fd() const override { return fd_; }
  Key next() override;
  void show(project::WatchState state) override;
  void close() override;

  // Whole lines, written while the menu is out of the way. Any thread.
  template <typename Writer>
  void around(const Writer& write) {
    const std::scoped_lock lock(mutex_);
    erase();
    write();
    draw();
  }
  // In between, something else draws below the output.
  void hide();
  void reveal();

 private:
  void erase();
  void draw();

  std::mutex mutex_;
  termios before_{};
  int fd_ = -1;
  Terminal terminal_;
  project::WatchState state_ = project::WatchState::off;
  bool shown_ = false, hidden_ = false, drawn_ = false;
};

// The line itself.
std::string key_menu_text(project::WatchState state, const Terminal& terminal);

}  // namespace consort::cli
