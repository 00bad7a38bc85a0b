#include "supervisor/scope.hpp"

#include <gtest/gtest.h>

namespace consort::supervisor {
namespace {

TEST(Scope, NameIsOneThatAUnitCanHave) {
  EXPECT_EQ(scope_name("lms_2-a", 4711), "consort-lms_2-a-4711.scope");
  EXPECT_EQ(scope_name("a/b c:@", 1), "consort-a_b_c__-1.scope");
  EXPECT_LE(scope_name(std::string(1000, 'x'), 4194304).size(), 255u);
}

}  // namespace
}  // namespace consort::supervisor
