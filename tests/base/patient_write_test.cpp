#include "base/os/patient_write.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/os/fd.hpp"

namespace consort {
namespace {

// The pipe has space again only after a whole page has been read.
TEST(PatientWrite, AReaderThatTakesAFewBytesDoesNotStand) {
  Pipe pipe = make_pipe().value();
  int stood = 0;
  bool was_read = false;
  const auto gives_up = [&](Reader reader) {
    if (reader == Reader::takes) {
      stood = 0;
      return false;
    }
    std::array<char, 100> few{};
    was_read = ::read(pipe.read.get(), few.data(), few.size()) == 100 || was_read;
    return ++stood > 1;
  };
  const Result<> written = write_patiently(pipe.write.get(), std::string(66'000, 'x'), gives_up);
  EXPECT_TRUE(was_read);
  EXPECT_TRUE(written) << "it was given up";
}

TEST(PatientWrite, WhatWasNotReadIsCounted) {
  Pipe pipe = make_pipe().value();
  EXPECT_EQ(unread_bytes(pipe.write.get()), 0U);
  ASSERT_EQ(::write(pipe.write.get(), "12345", 5), 5);
  EXPECT_EQ(unread_bytes(pipe.write.get()), 5U);
  char one = 0;
  ASSERT_EQ(::read(pipe.read.get(), &one, 1), 1);
  EXPECT_EQ(unread_bytes(pipe.write.get()), 4U);
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(unread_bytes(null.get()), 0U);
}

}  // namespace
}  // namespace consort
