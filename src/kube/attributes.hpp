// What each attribute of a Compose file is on Kubernetes. One table says it for the manifests' warnings and refusals,
// for docs/reference/kubernetes.md, and for the test that walks the language: nothing of a file is dropped in silence.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/compose.hpp"

namespace consort::kube {

enum class Fate : std::uint8_t {
  becomes,   // part of a manifest, or of what a command does
  unneeded,  // said and settled before, or without meaning there
  warned,    // left out: what runs there is a little less than what runs here
  refused,   // left out, it would be something else
};
std::string_view to_string(Fate fate);

struct Attribute {
  std::string_view path;  // as in compose::attribute_table(); it speaks for all that is below, too
  Fate fate = Fate::becomes;
  std::string_view text;         // Markdown: what it becomes, or why not and what to do
  std::string_view values = {};  // only for these, separated by blanks ("host", "service:*"); "": for all others
};
// What is said of one path more than once is tried in this order.
std::span<const Attribute> attributes();

// The row for a value at a path; null if the table has none.
const Attribute* attribute_for(std::string_view path, std::string_view value);

// Warnings and errors for what the user's files say and the cluster cannot have, with their places; in their order.
std::vector<compose::Diagnostic> judge(const compose::Project& project);

// docs/reference/kubernetes.md
std::string attributes_markdown();

}  // namespace consort::kube
