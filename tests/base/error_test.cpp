#include "base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace consort {
namespace {

Result<int> failing() {
  errno = ENOSPC;
  return fail_errno("mount overlay", "/x");
}

Result<int> passing_on() {
  const int value = TRY_WRAP(failing(), "start container", "web-1");
  return value + 1;
}

TEST(Error, MessageNamesEveryLevelOnceAndTheErrnoLast) {
  const Result<int> result = passing_on();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "start container web-1: mount overlay /x: no space left on device");
  EXPECT_EQ(result.error().sys_errno(), ENOSPC);
  EXPECT_EQ(result.error().code(), Code::io);
}

TEST(Error, HintAndMarkAreFoundInTheChain) {
  Error error = Error(Code::invalid, "parse").hint("write a number").at(Mark{"compose.yaml", 3, 5, 2}).wrap("load");
  EXPECT_EQ(error.hint_text(), "write a number");
  ASSERT_NE(error.mark(), nullptr);
  EXPECT_EQ(error.mark()->line, 3u);
}

TEST(Error, TheSubjectIsInherited) {
  const Error plain = Error(Code::io, "read").wrap("start");
  EXPECT_EQ(plain.subject(), Subject::none);
  EXPECT_EQ(plain.subject_name(), "");
  EXPECT_EQ(plain.level_about(Subject::none), nullptr);
  const Error port = Error(Code::conflict, "bind").about(Subject::port, "80/tcp").wrap("start container", "a");
  EXPECT_EQ(port.subject(), Subject::port);
  EXPECT_EQ(port.subject_name(), "80/tcp");
  EXPECT_EQ(port.level_about(Subject::port)->message(), "bind");
  EXPECT_EQ(port.level_about(Subject::mount), nullptr);
}

TEST(Error, TheNearestSubjectCounts) {
  const Error error = Error(Code::conflict, "exec")
                          .about(Subject::program, "sh")
                          .wrap("run")
                          .about(Subject::dependency, "db")
                          .wrap("up");
  EXPECT_EQ(error.subject(), Subject::dependency);
  EXPECT_EQ(error.subject_name(), "db");
  EXPECT_EQ(error.level_about(Subject::program)->data().subject_name, "sh");
}

TEST(Error, CollectsWhatElseWentWrong) {
  const Error error = Error(Code::io, "remove network").also(Error(Code::busy, "remove volume"));
  EXPECT_EQ(error.message(), "remove network; also: remove volume");
  const Error same =
      Error(Code::io, "a").also(Error(Code::io, "a")).also(Error(Code::io, "b")).also(Error(Code::io, "b"));
  EXPECT_EQ(same.message(), "a; also: b");
}

TEST(Error, EveryErrnoThatCallersBranchOnHasItsCode) {
  EXPECT_EQ(code_of_errno(ENOENT), Code::not_found);
  EXPECT_EQ(code_of_errno(EADDRINUSE), Code::conflict);
  EXPECT_EQ(code_of_errno(EPERM), Code::denied);
  EXPECT_EQ(code_of_errno(EBUSY), Code::busy);
}

Result<> nothing_fails() {
  TRY(Result<>());
  return {};
}

TEST(Error, TryTakesResultsWithoutAValue) {
  EXPECT_TRUE(nothing_fails());
}

}  // namespace
}  // namespace consort
