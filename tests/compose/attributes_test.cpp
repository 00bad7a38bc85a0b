#include "attributes.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/os/files/file.hpp"
#include "compose/compose.hpp"

namespace consort::compose {
namespace {

const std::string cases = CONSORT_TEST_DATA "/differential-cases";

TEST(Attributes, DocumentIsCurrent) {
  const auto document = read_file(CONSORT_TEST_DATA "/../../docs/reference/compose-attributes.md");
  ASSERT_TRUE(document);
  EXPECT_EQ(*document, attributes_markdown(cases))
      << "run: build/dev/tests/compose/compose_attributes > docs/reference/compose-attributes.md";
}

TEST(Attributes, EachIsUsedByARecordedCase) {
  const auto uses = cases_by_attribute(cases);
  const std::set<std::string> later{"services.*.build.no_cache_filter", "networks.*.ipam.options",
                                    "services.*.pre_start", "services.*.pre_start.[].per_replica"};  // than 2.40.3
  for (const AttributeRow& row : attribute_table()) {
    if (row.path.starts_with("jobs")) continue;  // likewise: jobs_test.cpp
    EXPECT_TRUE(uses.contains(row.path) || later.contains(row.path)) << row.path;
  }
}

}  // namespace
}  // namespace consort::compose
