// For each row of the table, a file in cases/ must use the attribute, so that an object or a note for it is compared.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/os/files/file.hpp"
#include "compose/node.hpp"
#include "kube/attributes.hpp"
#include "support.hpp"

namespace consort::kube {
namespace {

bool is_chosen(const std::string& pattern) {
  for (const char* section : {"services", "jobs", "networks", "volumes", "secrets", "configs", "models",
                              "services.*.depends_on", "services.*.networks"})
    if (pattern == section) return true;
  return false;
}

using Rows = std::set<const Attribute*>;
void find_rows(const compose::Node& node, const std::string& pattern, Rows& into) {
  if (!pattern.empty())
    if (const Attribute* row = attribute_for(pattern, node.is_scalar() ? node.scalar_text() : "")) into.insert(row);
  for (const compose::Entry& entry : node.entries)
    find_rows(entry.value, (pattern.empty() ? "" : pattern + ".") + (is_chosen(pattern) ? "*" : entry.key), into);
  for (const compose::Node& each : node.items) find_rows(each, pattern + ".[]", into);
}

TEST(Rows, AreEachInACase) {
  Rows rows;
  for (const char* name : {"tutorial", "everything", "left-out", "refused", "rest"}) {
    const compose::Project project = load(name);
    ASSERT_TRUE(project.tree) << name;
    find_rows(*project.tree, "", rows);
  }
  for (const Attribute& row : attributes())  // an attribute that is not needed makes no difference
    EXPECT_TRUE(row.fate == Fate::unneeded || rows.contains(&row))
        << row.path << " " << row.values << " (" << compose::to_string(row.fate) << ")";
}

// Exactly the lines of the file are reported.
TEST(Rows, ThatAreRefusedAreToldWithTheirLines) {
  const std::string path = std::string(CONSORT_TEST_DATA) + "/cases/refused/notes";
  const Made made = make(load("refused"));
  EXPECT_EQ(made.yaml, "");
  const std::string notes = replace_all(made.notes, std::string(CONSORT_TEST_DATA), "");
  if (std::getenv("CONSORT_RECORD")) {
    EXPECT_TRUE(write_file_atomic(path, notes));
  }
  EXPECT_EQ(notes, read_file(path).value_or(""));
}

}  // namespace
}  // namespace consort::kube
