#include "base/os/processes/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "../facilities.hpp"
#include "base/os/processes/foreign_exit.hpp"
#include "base/os/processes/process_directory.hpp"
#include "base/os/sockets/unix_socket.hpp"

namespace consort {
namespace {

TEST(Process, OutputsAndStatusAreCaptured) {
  const Result<Captured> captured = run_and_capture({.argv = {"sh", "-c", "cat; echo no >&2; exit 3"}}, "yes");
  ASSERT_TRUE(captured) << captured.error().message();
  EXPECT_EQ(captured->out, "yes");
  EXPECT_EQ(captured->err, "no\n");
  EXPECT_EQ(captured->status.code, 3);
}

TEST(Process, DeathBySignalCountsAsAShellCountsIt) {
  const Result<Captured> captured = run_and_capture({.argv = {"sh", "-c", "kill -9 $$"}});
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->status.code, 137);
  EXPECT_EQ(captured->status.signal, SIGKILL);
}

// For example an agent, or an ssh that later connections share.
TEST(Process, WhatItLeavesRunningIsNotWaitedFor) {
  const Result<Captured> captured = run_and_capture({.argv = {"sh", "-c", "sleep 1000 & echo $!"}});
  ASSERT_TRUE(captured) << captured.error().message();
  EXPECT_EQ(::kill(std::stoi(captured->out), SIGKILL), 0);
}

TEST(Process, AMissingProgramIsNotFound) {
  if (const std::string reason = test::why_no_failed_start(); !reason.empty()) GTEST_SKIP() << reason;
  EXPECT_EQ(spawn({.argv = {"consort-no-such-program"}}).error().code(), Code::not_found);
}

TEST(Process, TheGuardLeavesNoChildBehind) {
  pid_t pid;
  {
    const ChildGuard child = *spawn({.argv = {"sleep", "1000"}});
    pid = child.pid();
    ASSERT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Process, StartTimeNamesTheProcess) {
  EXPECT_EQ(*process_start_time(::getpid()), *process_start_time(::getpid()));
  EXPECT_EQ(process_start_time(4'000'000).error().code(), Code::not_found);
}

// It does not reach the next process with the same pid.
TEST(Process, ADirectoryIsThatOfOneProcessForEver) {
  ChildGuard child = *spawn({.argv = {"sleep", "1000"}});
  const std::uint64_t started = *process_start_time(child.pid());
  EXPECT_EQ(open_process_directory(child.pid(), started + 1).error().code(), Code::not_found);
  const Fd directory = *open_process_directory(child.pid(), started);
  EXPECT_TRUE(Fd(::openat(directory.get(), "root", O_PATH | O_CLOEXEC)));
  const Fd pidfd = *open_pidfd(directory.get(), child.pid());
  ASSERT_TRUE(send_signal(pidfd.get(), SIGKILL));
  ASSERT_TRUE(child.wait());
  EXPECT_FALSE(Fd(::openat(directory.get(), "root", O_PATH | O_CLOEXEC)));
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(open_pidfd(directory.get(), ::getpid()).error().code(), Code::not_found);
  EXPECT_EQ(send_signal(pidfd.get(), SIGKILL).error().code(), Code::not_found);
}

// The process that inherits an orphan may never reap it.
TEST(Process, TheStatusOfOneThatNobodyReapsIsKnown) {
  for (const auto& [script, status] : {std::pair("exit 7", 7 << 8), std::pair("kill -9 $$", int{SIGKILL})}) {
    Pipe gate = *make_pipe();
    ChildGuard child = *spawn({.argv = {"sh", "-c", std::string("read line; ") + script}, .in = gate.read.get()});
    const std::uint64_t started = *process_start_time(child.pid());
    const Fd pidfd = *open_pidfd(child.pid());
    EXPECT_EQ(foreign_wait_status(pidfd.get(), child.pid(), started), std::nullopt);
    gate.write.reset();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(foreign_wait_status(pidfd.get(), child.pid(), started), status);
    EXPECT_EQ(foreign_wait_status(pidfd.get(), child.pid(), started + 1), std::nullopt);
    ASSERT_TRUE(child.wait());
    EXPECT_EQ(foreign_wait_status(pidfd.get(), child.pid(), started).value_or(status), status);
  }
}

TEST(UnixSocket, MessagesCarryDescriptors) {
  auto [a, b] = *make_socket_pair(SOCK_SEQPACKET);
  const Pipe pipe = *make_pipe();
  const int passed[] = {pipe.write.get()};
  ASSERT_TRUE(send_message(a.get(), "hello", passed));
  const auto message = *receive_message(b.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text, "hello");
  ASSERT_EQ(message->fds.size(), 1u);
  ASSERT_TRUE(write_full(message->fds[0].get(), "through"));
  char buffer[7];
  EXPECT_EQ(*read_full(pipe.read.get(), std::as_writable_bytes(std::span(buffer))), 7u);
}

TEST(UnixSocket, LongMessagesCarryDescriptorsToo) {
  auto [a, b] = *make_socket_pair(SOCK_SEQPACKET);
  const Pipe pipe = *make_pipe();
  const int passed[] = {pipe.write.get()};
  std::string text(3'000'000, 'x');
  text[2'999'999] = 'y';
  ASSERT_TRUE(send_message(a.get(), text, passed));
  const auto message = *receive_message(b.get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text, text);
  ASSERT_EQ(message->fds.size(), 1u);
  ASSERT_TRUE(write_full(message->fds[0].get(), "through"));
  EXPECT_EQ(send_message(a.get(), std::string(max_message_bytes + 1, 'x')).error().code(), Code::internal);
}

TEST(UnixSocket, ALongMessageCannotChangeWhileItIsRead) {
  auto [a, b] = *make_socket_pair(SOCK_SEQPACKET);
  const Fd file(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_TRUE(write_full(file.get(), "text"));
  const int passed[] = {file.get()};
  ASSERT_TRUE(send_message(a.get(), std::string_view("\0long", 5), passed));
  EXPECT_EQ(receive_message(b.get()).error().code(), Code::invalid);
  ASSERT_EQ(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
  ASSERT_TRUE(send_message(a.get(), std::string_view("\0long", 5), passed));
  EXPECT_EQ((*receive_message(b.get()))->text, "text");
}

TEST(UnixSocket, TheEndOfTheStreamIsNoMessage) {
  auto [a, b] = *make_socket_pair(SOCK_SEQPACKET);
  a.reset();
  EXPECT_FALSE(receive_message(b.get())->has_value());
  EXPECT_EQ(send_message(b.get(), "x").error().sys_errno(), EPIPE);
}

TEST(UnixSocket, LongPathsWork) {
  const std::string directory = testing::TempDir() + "/consort-" + std::string(120, 'x');
  ASSERT_EQ(::system(("mkdir -p " + directory).c_str()), 0);
  const Fd listener = *listen_unix(directory + "/s");
  EXPECT_TRUE(connect_unix(directory + "/s"));
  ASSERT_EQ(::system(("rm -r " + directory).c_str()), 0);
}

}  // namespace
}  // namespace consort
