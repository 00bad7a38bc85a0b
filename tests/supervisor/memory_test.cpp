// Memory limits: keeper and supervisor together use at most 4 MiB for a project, and at most 100 KiB more per
// container.
#include <gtest/gtest.h>
#include <poll.h>

#include "base/strings.hpp"
#include "project.hpp"

namespace consort::supervisor {
namespace {

// Proportional set size in KiB.
std::uint64_t pss_of(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/smaps_rollup", 65536);
  if (!text) return 0;
  for (const std::string& line : split(*text, '\n')) {
    if (!line.starts_with("Pss:")) continue;
    const std::string_view number = trim(std::string_view(line).substr(4));
    return parse_unsigned(trim(number.substr(0, number.size() - 2))).value_or(0);
  }
  return 0;
}

TEST(Memory, StaysWithinTheBudget) {
  if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer's own memory would be measured";
#endif
  TestProject project;
  const auto total = [&] { return pss_of(project.supervisor()) + pss_of(project.keeper()); };
  const auto start_some = [&](int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(project.start(project.unit({"pause"})));
    ::poll(nullptr, 0, 300);
  };
  start_some(1);
  const std::uint64_t one = total();
  start_some(20);
  const std::uint64_t many = total();
  const std::uint64_t each = many > one ? (many - one) / 20 : 0;
  std::printf("keeper and supervisor: %lu KiB (keeper %lu KiB), %lu KiB more per container\n", one,
              pss_of(project.keeper()), each);
  EXPECT_LE(each, 100u);
#if defined(NDEBUG)
  EXPECT_LE(one, 4096u);
#endif
}

}  // namespace
}  // namespace consort::supervisor
