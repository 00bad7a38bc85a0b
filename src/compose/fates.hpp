// What happens to each attribute of the language when a project is exported to a cluster or to systemd units. Each
// target has a table, which is used for warnings and errors, for the list written next to the output, for `export`
// itself, for the reference documentation, and for the test that covers the whole language: nothing in a file is
// dropped silently.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/compose.hpp"

namespace consort::compose {

enum class Fate : std::uint8_t {
  becomes,   // part of the output, or handled by a command
  unneeded,  // already taken into account, or without meaning for this target
  warned,    // left out: the result has slightly less functionality than locally
  refused,   // left out: the result would be something else
};
std::string_view to_string(Fate fate);

struct AttributeFate {
  std::string_view path;  // as in attribute_table(); also applies to everything below it
  Fate fate = Fate::becomes;
  std::string_view text;         // Markdown: what it becomes, or why it is not supported and what to do instead
  std::string_view values = {};  // only for these values, separated by spaces ("host", "service:*"); "": all others
};

struct FateTable {
  std::span<const AttributeFate> rows;  // several rows for the same path are tried in order
  std::string_view where;               // "on Kubernetes", for messages
  std::string_view code;                // "kubernetes": the codes are "kubernetes-left-out" and "kubernetes-refused"
};

// The row for a value at a path; null if there is none. Rows for services also apply to jobs.
const AttributeFate* fate_of(const FateTable& table, std::string_view path, std::string_view value);

// Warnings and errors for everything in the user's files that the target does not support, in file order, with source
// lines.
std::vector<Diagnostic> judge(const Project& project, const FateTable& table);
// A diagnostic that depends on more than a single value and so cannot be a table row, for a path of the project.
Diagnostic left_out(const Project& project, const FateTable& table, const Strings& path, std::string message,
                    std::string help);

// The rows as a Markdown table.
std::string fates_markdown(const FateTable& table);
// For a file next to the output: one line for each diagnostic and one for its help. "" if there are none.
std::string left_out_list(const std::vector<Diagnostic>& notes);

}  // namespace consort::compose
