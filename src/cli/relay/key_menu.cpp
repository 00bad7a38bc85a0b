#include "cli/relay/key_menu.hpp"

#include <unistd.h>

#include "base/os/fd.hpp"

namespace consort::cli {

namespace {

bool in_foreground() {
  return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

}  // namespace

bool can_show_keys(const Terminal& terminal) {
  return terminal.in_is_terminal && terminal.out_is_terminal && !terminal.dumb && terminal.ansi != Ansi::never &&
         in_foreground();
}

std::string key_menu_text(project::WatchState state, const Terminal& terminal) {
  const auto item = [&](const std::string& key, const std::string& text) {
    return terminal.colour_out() ? "\033[1m" + key + "\033[0m\033[2m " + text + "\033[0m" : key + " " + text;
  };
  return item("w", state == project::WatchState::on ? "Disable Watch" : "Enable Watch") + "   " + item("d", "Detach");
}

KeyMenu::KeyMenu(const Terminal& terminal) : terminal_(terminal) {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) == 0) fd_ = STDIN_FILENO;
}

KeyMenu::~KeyMenu() {
  close();
}

void KeyMenu::close() {
  const std::scoped_lock lock(mutex_);
  erase();
  if (fd_ >= 0 && in_foreground()) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  fd_ = -1;
}

project::AttachKeys::Key KeyMenu::next() {
  // Reading in the background would stop the process (SIGTTIN); the keys then belong to another program.
  char key = 0;
  const auto count = in_foreground() ? read_some(fd_, std::as_writable_bytes(std::span(&key, 1)))
                                     : Result<std::size_t>(std::size_t{0});
  if (!count || *count == 0) {
    fd_ = -1;
    return Key::none;
  }
  switch (key) {
    case 'w':
      return Key::watch;
    case 'd':
      return Key::detach;
    case '\n':  // leaves space between earlier output and what follows
      around([] { draw_out("\n"); });
      return Key::none;
    default:
      return Key::none;
  }
}

void KeyMenu::show(project::WatchState state) {
  const std::scoped_lock lock(mutex_);
  erase();
  shown_ = true;
  state_ = state;
  draw();
}

void KeyMenu::hide() {
  const std::scoped_lock lock(mutex_);
  erase();
  hidden_ = true;
}

void KeyMenu::reveal() {
  const std::scoped_lock lock(mutex_);
  hidden_ = false;
  draw();
}

void KeyMenu::erase() {
  if (drawn_) draw_out("\r\033[K");
  drawn_ = false;
}

void KeyMenu::draw() {
  if (!shown_ || hidden_ || fd_ < 0) return;
  draw_out(key_menu_text(state_, terminal_));
  drawn_ = true;
}

}  // namespace consort::cli
