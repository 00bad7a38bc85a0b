// No attribute of the language may be dropped silently.
#include "kube/attributes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/os/files/file.hpp"

namespace consort::kube {
namespace {

TEST(Attributes, EachOfTheLanguageHasItsFate) {
  const auto rows = compose::attribute_table();
  for (const compose::AttributeRow& row : rows) {
    // Everything in a section without a row of its own must be reported.
    const bool is_section = std::ranges::any_of(
        rows, [&](const compose::AttributeRow& each) { return each.path.starts_with(row.path + "."); });
    EXPECT_TRUE(is_section || attribute_for(row.path, "any value")) << row.path;
  }
}

TEST(Attributes, EachRowIsOfTheLanguage) {
  const auto rows = compose::attribute_table();
  for (const Attribute& attribute : attributes()) {
    const std::string path(attribute.path);
    EXPECT_TRUE(std::ranges::any_of(rows, [&](const compose::AttributeRow& row) {
      return row.path == path || row.path.starts_with(path + ".") || path.starts_with(row.path + ".");
    })) << path;
    EXPECT_FALSE(attribute.text.empty()) << path;
  }
}

TEST(Attributes, TheReferenceIsCurrent) {
  const auto document = read_file(CONSORT_TEST_DATA "/../../docs/reference/kubernetes.md");
  ASSERT_TRUE(document);
  EXPECT_EQ(*document, attributes_markdown())
      << "run: consort internal kubernetes-reference > docs/reference/kubernetes.md";
}

}  // namespace
}  // namespace consort::kube
