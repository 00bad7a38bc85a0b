// What the manual pages and the reference say beyond flags: examples, variables, files, exit statuses.
#pragma once

#include <span>
#include <string_view>

namespace consort::cli {

struct Example {
  std::string_view command;  // the command's name, "" for the program's own page
  std::string_view line;     // what is typed
  std::string_view says;     // what it does: one sentence without a full stop
};

// A name and what it means, e.g. of an environment variable.
struct Entry {
  std::string_view name;
  std::string_view text;  // without a full stop
};

std::span<const Example> examples();  // those of one command stand together
std::span<const Entry> environment_variables();
std::span<const Entry> known_files();
std::span<const Entry> exit_statuses();

}  // namespace consort::cli
