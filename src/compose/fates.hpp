// The fate of each attribute of the language when a project is exported: to a cluster, into units of systemd. Each
// target has a table, used for warnings and refusals, for the list that is written next to the output, what was
// exported, for the reference, and for the test that walks the language: nothing of a file is dropped in silence.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/compose.hpp"

namespace consort::compose {

enum class Fate : std::uint8_t {
  becomes,   // part of what is made, or of what a command does
  unneeded,  // said and settled before, or without meaning there
  warned,    // left out: what runs there is a little less than what runs here
  refused,   // left out, it would be something else
};
std::string_view to_string(Fate fate);

struct AttributeFate {
  std::string_view path;  // as in attribute_table(); it speaks for all that is below, too
  Fate fate = Fate::becomes;
  std::string_view text;         // Markdown: what it becomes, or why not and what to do
  std::string_view values = {};  // only for these, separated by blanks ("host", "service:*"); "": for all others
};

struct FateTable {
  std::span<const AttributeFate> rows;  // what is said of one path more than once is tried in this order
  std::string_view where;               // "on Kubernetes", in messages
  std::string_view code;                // "kubernetes": diagnostics are "kubernetes-left-out", "kubernetes-refused"
};

// The row for a value at a path; null if the table has none. Of a job what a service's table says holds, too.
const AttributeFate* fate_of(const FateTable& table, std::string_view path, std::string_view value);

// Warnings and errors for what the user's files say and the place cannot have, with their lines; in their order.
std::vector<Diagnostic> judge(const Project& project, const FateTable& table);
// A note that no row can make, since it needs more than the value: at a path of the project.
Diagnostic left_out(const Project& project, const FateTable& table, const Strings& path, std::string message,
                    std::string help);

// The rows as a table of Markdown.
std::string fates_markdown(const FateTable& table);
// For a file next to the output: a line for each diagnostic, and one of what there is to do. "" of none.
std::string left_out_list(const std::vector<Diagnostic>& notes);

}  // namespace consort::compose
