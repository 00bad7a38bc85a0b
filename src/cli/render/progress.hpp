// Renders the events of a running plan on standard error: for a user at a terminal (tty), for a log (plain), for a
// program (json), or not at all (quiet).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/render/picture.hpp"
#include "cli/render/terminal.hpp"
#include "project/exec/progress.hpp"

namespace consort::cli {

using Write = std::function<void(std::string_view)>;
using Moment = std::chrono::steady_clock::time_point;

// To standard output. If nobody reads it any more, the command ends as after Ctrl-C: cleanly, after finishing what it
// has started.
void print_or_interrupt(std::string_view text);

// The current size of the terminal at standard error.
Size error_terminal_size();

struct ProgressOptions {
  ProgressMode mode = ProgressMode::automatic;
  bool dry_run = false;
  Write err = draw_err;  // tests replace these to capture output and control time
  Write out = print_or_interrupt;
  std::function<Size()> size = error_terminal_size;
  std::function<Moment()> now = std::chrono::steady_clock::now;
};

// "plain", "tty", ... "" and "auto" are automatic.
std::optional<ProgressMode> parse_progress(std::string_view text);

std::unique_ptr<project::Progress> make_progress(const Terminal& terminal, const ProgressOptions& options);

// A single line, without newline.
std::string plain_line(const project::ProgressEvent& event, bool dry_run);
std::string json_line(const project::ProgressEvent& event, bool dry_run);

std::unique_ptr<project::Progress> make_tty_progress(const Terminal& terminal, const ProgressOptions& options);

}  // namespace consort::cli
