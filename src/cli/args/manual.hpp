// Contents of the man pages and the reference in addition to flags: examples, variables, files, exit statuses.
#pragma once

#include <span>
#include <string_view>

namespace consort::cli {

struct Example {
  std::string_view command;  // the command's name, "" for the program's own page
  std::string_view line;     // the command line
  std::string_view says;     // its effect: one sentence without a full stop
};

// A name and its meaning, for example of an environment variable.
struct Entry {
  std::string_view name;
  std::string_view text;  // without a full stop
};

std::span<const Example> examples();  // grouped by command
std::span<const Entry> environment_variables();
std::span<const Entry> known_files();
std::span<const Entry> exit_statuses();

}  // namespace consort::cli
