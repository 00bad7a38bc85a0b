// Standard output that is full or slow.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/os/fd.hpp"
#include "cli/invocation.hpp"

namespace consort::cli {
namespace {

// A partial output would be mistaken for the whole.
TEST(StandardOutput, ThatCannotBeWrittenIsToldAndFails) {
  const auto version_into = [](const char* file) {
    const Fd full = open_file(file, O_WRONLY).value();
    ::dup2(full.get(), STDOUT_FILENO);
    std::_Exit(run_program({"consort", "version"}));
  };
  EXPECT_EXIT(version_into("/dev/full"), testing::ExitedWithCode(1),
              "^write to standard output: no space left on device\n$");
  EXPECT_EXIT(version_into("/dev/null"), testing::ExitedWithCode(0), "^$");
}

// It is shared with our callers, some of which make it non-blocking.
TEST(StandardOutput, ThatDoesNotBlockIsWaitedFor) {
  Pipe pipe = make_pipe().value();
  ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 4096);
  ASSERT_TRUE(set_nonblocking(pipe.write.get()));
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i) text += "line " + std::to_string(i) + "\n";
  std::string read;
  std::jthread reader([&] { read = read_all(pipe.read.get(), 2'000'000).value(); });
  const Fd before = duplicate(STDOUT_FILENO).value();
  ::dup2(pipe.write.get(), STDOUT_FILENO);
  draw_out(text);
  ::dup2(before.get(), STDOUT_FILENO);
  pipe.write.reset();
  reader.join();
  EXPECT_TRUE(read == text);
}

}  // namespace
}  // namespace consort::cli
