// The key menu of `up`: a line below the output that names the keys, on a terminal only.
#pragma once

#include <termios.h>

#include <mutex>
#include <string>
#include <string_view>

#include "cli/render/terminal.hpp"
#include "project/verbs/up.hpp"

namespace consort::cli {

// Whether we may use the terminal: standard input and output are terminals, and we are in the foreground.
bool can_show_keys(const Terminal& terminal);

// Reads single keys without echo until destroyed. Ctrl-C and Ctrl-Z remain signals. The destructor restores the
// terminal.
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

  // Writes whole lines while the menu is hidden. Any thread.
  template <typename Writer>
  void around(const Writer& write) {
    const std::scoped_lock lock(mutex_);
    erase();
    write();
    draw();
  }
  // While hidden, other code may draw below the output.
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

// The text of the menu line.
std::string key_menu_text(project::WatchState state, const Terminal& terminal);

}  // namespace consort::cli
