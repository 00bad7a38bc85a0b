#include "attributes.hpp"

#include <algorithm>
#include <filesystem>

#include "base/os/file.hpp"
#include "compose/compose.hpp"
#include "compose/internal/path_table.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

namespace {

namespace fs = std::filesystem;
using Uses = std::map<std::string, std::vector<std::string>>;

// Which rows of the table a file uses: `path` is the row's own spelling of the way here.
void collect(const Node& node, PathTable<std::string>::Cursor cursor, const std::string& name, Uses& uses) {
  if (!cursor.alive()) return;
  if (const std::string* path = cursor.value()) {
    std::vector<std::string>& names = uses[*path];
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  for (const Entry& entry : node.entries) collect(entry.value, cursor.child(entry.key), name, uses);
  for (const Node& item : node.items) collect(item, cursor.item(), name, uses);
}

}  // namespace

Uses cases_by_attribute(const std::string& cases_folder) {
  PathTable<std::string> table;
  for (const AttributeRow& row : attribute_table()) table.add(row.path, row.path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(cases_folder)) {
    const std::string extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".yaml" || extension == ".yml")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  Uses uses;
  for (const fs::path& file : files) {
    const auto text = read_file(file);
    if (!text) continue;
    const std::string name = fs::relative(file, cases_folder).begin()->string();
    for (const Node& root : yaml::parse(*text, 1).roots) collect(root, table.root(), name, uses);
  }
  return uses;
}

std::string attributes_markdown(const std::string& cases_folder) {
  const Uses uses = cases_by_attribute(cases_folder);
  std::string text =
      "# Attributes of a Compose file\n\n"
      "Made by `compose_attributes` (tests/compose) from the tables that the loader runs on; do not edit. *Merge* is "
      "what "
      "happens\nwhen a later file sets the attribute too. *Tested by* counts the recorded cases of "
      "`tests/compose/differential-cases` that use it and\nnames the first: each is compared with what Docker Compose "
      "2.40.3 prints.\n\n"
      "| attribute | form | merge | since | tested by | note |\n|---|---|---|---|---|---|\n";
  for (const AttributeRow& row : attribute_table()) {
    const auto found = uses.find(row.path);
    const std::string tested =
        found == uses.end() ? "" : std::to_string(found->second.size()) + ": `" + found->second.front() + "`";
    text += "| `" + row.path + "` | " + row.types + " | " + row.merge + " | " + row.since + " | " + tested + " | " +
            row.note + " |\n";
  }
  return text;
}

}  // namespace consort::compose
