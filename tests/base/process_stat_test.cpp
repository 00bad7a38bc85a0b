#include "base/os/processes/process_stat.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os/processes/process.hpp"

namespace consort {
namespace {

// A child with this name in the process table.
ChildGuard child_called(const char* name) {
  const Pipe ready = *make_pipe();
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NAME, name);
    (void)write_full(ready.write.get(), "x");
    while (true) ::pause();
  }
  char said = 0;
  EXPECT_EQ(::read(ready.read.get(), &said, 1), 1);
  return ChildGuard(child);
}

// Each name looks as if it ended early and were followed by another state and parent.
TEST(ProcessStat, ANameSaysNothingOfTheOtherFields) {
  for (const char* name : {"a", "", " ", "a b", "(", ")", ") ", ") Z 1 2 3", "x) R (y", "((()", "a\nb", ") Z 1\n2"}) {
    ChildGuard child = child_called(name);
    const auto stat = stat_fields_of(child.pid());
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->name, name);
    EXPECT_EQ(stat->pid, std::to_string(child.pid()));
    EXPECT_EQ(stat->parent(), ::getpid()) << name;
    EXPECT_EQ(stat->started(), *process_start_time(child.pid()));
    EXPECT_FALSE(stat->has_ended()) << name;
    ::kill(child.pid(), SIGKILL);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
    EXPECT_TRUE(stat_fields_of(child.pid())->has_ended()) << name;
  }
}

TEST(ProcessStat, FieldsHaveTheNumbersOfTheManual) {
  const auto stat = stat_fields("7 (a) b) S 1 2 3 34816 -1 6 7 8 9 10 150 50 0 0 20 -5 1 0 4711 99\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) b");
  EXPECT_EQ(stat->state(), 'S');
  EXPECT_EQ(stat->parent(), 1);
  EXPECT_EQ(stat->number(7), 34816U);
  EXPECT_EQ(stat->number(8), std::nullopt) << "negative";
  EXPECT_EQ(stat->number(14), 150U);
  EXPECT_EQ(stat->started(), 4711U);
  EXPECT_EQ(stat->number(23), 99U);
  EXPECT_EQ(stat->number(24), std::nullopt);
  EXPECT_EQ(stat->number(2), std::nullopt);
}

TEST(ProcessStat, WhatIsNoneIsRefused) {
  for (const char* text : {"", "7", "7 (a", "7 (a)", "7 (a) ", "7 (a) S", "7 (a) S 1 2 3", ") (", "7 a) S 1",
                           "7 (a) Sx 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21",
                           "7 (a) S x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21"})
    EXPECT_FALSE(stat_fields(text)) << text;
  EXPECT_EQ(stat_fields_of(4'000'000).error().code(), Code::not_found);
}

}  // namespace
}  // namespace consort
