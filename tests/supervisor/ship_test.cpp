// Sends logs to syslog, the journal, Graylog and Fluentd.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/os/files/file.hpp"
#include "base/os/loop/event_loop.hpp"
#include "base/strings.hpp"
#include "supervisor/log.hpp"
#include "supervisor/log/log_format.hpp"
#include "supervisor/log/ship/message.hpp"
#include "supervisor/log/ship/shipper.hpp"
#include "temporary_directory.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const MessageOrigin origin{"box", 42};
const LogLine said{SystemTime(Nanoseconds(1'700'000'000'123'456'789)), LogStream::out, "hello", true};
const LogLine failed{said.time, LogStream::err, "a\nb", false};

TEST(ShippedMessages, OfSyslogHaveItsForms) {
  ShipUnit unit{.driver = "syslog", .network = "udp", .tag = "web"};
  EXPECT_EQ(ship_message(unit, origin, said), "<30>2023-11-14T22:13:20Z box web[42]: hello\n");
  unit.format = "rfc5424micro";
  unit.facility = 16;
  EXPECT_EQ(ship_message(unit, origin, failed), "<131>1 2023-11-14T22:13:20.123456Z box web 42 web - a\nb\n");
  unit.format = "rfc3164";
  EXPECT_THAT(ship_message(unit, origin, said), testing::MatchesRegex("<134>Nov 1[45] ..:..:20 box web.42.: hello\n"));
}

TEST(ShippedMessages, OfTheJournalAreFields) {
  const ShipUnit unit{.driver = "journald", .network = "unixgram", .tag = "t", .fields = {{"CONTAINER_NAME", "web"}}};
  const std::string message = ship_message(unit, origin, failed);
  EXPECT_THAT(message, HasSubstr(std::string("MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nPRIORITY=3\n", 31)));
  EXPECT_THAT(message, HasSubstr("CONTAINER_NAME=web\nCONTAINER_PARTIAL_MESSAGE=true\n"));
}

TEST(ShippedMessages, OfGraylogAreJsonInChunks) {
  const ShipUnit unit{.driver = "gelf", .network = "udp", .tag = "t", .fields = {{"tag", "t"}}};
  EXPECT_EQ(
      ship_message(unit, origin, said),
      R"({"version":"1.1","host":"box","short_message":"hello","timestamp":1700000000.123,"level":6,"_tag":"t"})");
  EXPECT_THAT(gelf_datagrams("short", "12345678"), ElementsAre("short"));
  const std::string large(3000, 'x');
  const auto chunks = gelf_datagrams(large, "12345678");
  ASSERT_EQ(chunks.size(), 3U);
  std::string whole;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const std::string head = std::string("\x1e\x0f") + "12345678" + static_cast<char>(i) + '\3';
    EXPECT_EQ(chunks[i].substr(0, 12), head);
    whole += chunks[i].substr(12);
  }
  EXPECT_EQ(whole, large);
  EXPECT_TRUE(gelf_datagrams(std::string(1 << 20, 'x'), "12345678").empty());
}

TEST(ShippedMessages, OfFluentdArePacked) {
  const ShipUnit unit{.driver = "fluentd", .network = "tcp", .tag = "t"};
  EXPECT_EQ(ship_message(unit, origin, said),
            std::string("\x93\xa1t\xd3\0\0\0\0\x65\x53\xf1\x00\x82\xa6source\xa6stdout"
                        "\xa3log\xa5hello",
                        37));
}

// A receiver on a datagram socket, like a syslog daemon or the journal.
class Receiver {
 public:
  explicit Receiver(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    std::array<char, 65536> buffer;
    ssize_t got;
    while ((got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      const std::string message(buffer.data(), static_cast<std::size_t>(got));
      texts.emplace_back(trim(message.substr(message.find("]: ") + 3)));
    }
    return texts;
  }

 private:
  Fd socket_;
};

// Shifts the times of the records before position `end` in the log.
void move_times(const std::string& log, std::uint64_t end, std::chrono::hours by) {
  std::string text = read_file(log).value();
  for (std::size_t at = 0; at < end;) {
    LogHeader header;
    std::memcpy(&header, text.data() + at, sizeof header);
    header.time_ns += Nanoseconds(by).count();
    std::memcpy(text.data() + at, &header, sizeof header);
    at += sizeof header + header.length;
  }
  const Fd file = open_file(log, O_WRONLY).value();  // the writer continues in this file
  ASSERT_TRUE(write_full(file.get(), text));
}

class Shipping : public testing::Test {
 protected:
  std::unique_ptr<LogShipper> make_shipper() {
    const ShipUnit ship{.driver = "syslog", .network = "unixgram", .address = directory / "dev-log", .tag = "web"};
    EXPECT_TRUE(write_ship_unit(unit.path, ship));
    return std::make_unique<LogShipper>(loop, unit.path, read_ship_unit(unit.path).value().value());
  }
  void write(const std::string& text) {
    Pipe pipe = make_pipe().value();
    ASSERT_TRUE(write_full(pipe.write.get(), text));
    while (writer.pump(pipe.read.get(), LogStream::out).value() == LogWriter::Pumped::moved) {
    }
  }
  // Waits until this many have arrived; the deadline is only for a failing test.
  std::vector<std::string> receive(Receiver& receiver, std::size_t count) {
    std::vector<std::string> texts;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (texts.size() < count && std::chrono::steady_clock::now() < deadline) {
      EXPECT_TRUE(loop.run_once(std::chrono::milliseconds(20)));
      for (std::string& text : receiver.take()) texts.push_back(std::move(text));
    }
    return texts;
  }

  // Sends "one" and "two", and then sets the clock back by a day: their times, and the cursor's, are in the future.
  void send_two_tomorrow(Receiver& receiver) {
    {
      const auto shipper = make_shipper();
      write("one\ntwo\n");
      shipper->poke();
      EXPECT_THAT(receive(receiver, 2), ElementsAre("one", "two"));
    }
    move_times(unit.path, static_cast<std::uint64_t>(stat_path(unit.path)->st_size), std::chrono::hours(24));
    set_cursor(cursor_time() + std::chrono::hours(24), 2);
  }
  Nanoseconds cursor_time() const {
    return Nanoseconds(*parse_signed(split(read_file(unit.path + ".shipped").value(), ' ')[0]));
  }
  void set_cursor(Nanoseconds time, int lines) {
    ASSERT_TRUE(
        write_file_atomic(unit.path + ".shipped", std::to_string(time.count()) + " " + std::to_string(lines) + "\n"));
  }

  TemporaryDirectory directory;
  LogUnit unit{directory / "log", 0, 1, false};
  EventLoop loop = EventLoop::create().value();
  LogWriter writer = LogWriter::open(unit).value();
};

TEST_F(Shipping, LinesArriveInOrderAndStayInTheFile) {
  Receiver receiver(directory / "dev-log");
  const auto shipper = make_shipper();
  write("one\ntwo\nhal");
  shipper->poke();
  EXPECT_THAT(receive(receiver, 2), ElementsAre("one", "two"));
  write("f\n");
  shipper->poke();
  EXPECT_THAT(receive(receiver, 1), ElementsAre("half"));
  write("last");
  shipper->finish();
  EXPECT_THAT(receive(receiver, 1), ElementsAre("last"));
  std::vector<std::string> kept;
  LogReader reader(unit.path, {});
  LogReader::LineHandler handler = [&](const LogLine& line) { kept.emplace_back(line.text); };
  ASSERT_TRUE(reader.read(handler));
  EXPECT_THAT(kept, ElementsAre("one", "two", "half"));
}

TEST_F(Shipping, ASuccessorGoesOnWhereTheOtherWas) {
  Receiver receiver(directory / "dev-log");
  {
    const auto shipper = make_shipper();
    write("one\ntwo\n");
    shipper->poke();
    EXPECT_THAT(receive(receiver, 2), ElementsAre("one", "two"));
  }
  write("three\n");
  const auto successor = make_shipper();
  successor->poke();
  EXPECT_THAT(receive(receiver, 1), ElementsAre("three"));
}

// The records after that are new, although their times suggest that they were sent long ago.
TEST_F(Shipping, AClockThatIsSetBackLosesNothing) {
  Receiver receiver(directory / "dev-log");
  send_two_tomorrow(receiver);
  write("three\n");
  {
    const auto successor = make_shipper();
    successor->poke();
    EXPECT_THAT(receive(receiver, 1), ElementsAre("three"));
    // Once more, while it is running.
    const auto before = static_cast<std::uint64_t>(stat_path(unit.path)->st_size);
    write("four\n");
    move_times(unit.path, before, std::chrono::hours(48));
    successor->poke();
    EXPECT_THAT(receive(receiver, 1), ElementsAre("four"));
  }
  // The cursor's position is in a file that was rotated away.
  set_cursor(system_now().time_since_epoch() + std::chrono::hours(1000), 7);
  const auto last = make_shipper();
  last->poke();
  EXPECT_THAT(receive(receiver, 4), ElementsAre("one", "two", "three", "four"));
}

TEST_F(Shipping, AClockThatIsSetBackSendsNothingTwice) {
  Receiver receiver(directory / "dev-log");
  send_two_tomorrow(receiver);
  const auto successor = make_shipper();
  successor->poke();  // there is nothing to send: the position is the end
  write("three\n");
  successor->poke();
  EXPECT_THAT(receive(receiver, 1), ElementsAre("three"));
}

TEST_F(Shipping, ALogThatCannotBeReadIsNoLogWithoutThePlace) {
  Receiver receiver(directory / "dev-log");
  send_two_tomorrow(receiver);
  std::vector<std::string> trouble;
  const auto successor = make_shipper();
  successor->on_trouble([&](const std::string& why) { trouble.push_back(why); });
  ASSERT_TRUE(rename_path(unit.path, directory / "aside"));
  ASSERT_EQ(::symlink(unit.path.c_str(), unit.path.c_str()), 0);
  successor->poke();
  EXPECT_THAT(trouble, ElementsAre(HasSubstr("log")));
  ASSERT_TRUE(rename_path(directory / "aside", unit.path));
  write("three\n");
  EXPECT_THAT(receive(receiver, 1), ElementsAre("three"));
  EXPECT_THAT(trouble, ElementsAre(testing::_, ""));
}

TEST_F(Shipping, AnEndSendsAllIfThePlaceWasRotatedAway) {
  Receiver receiver(directory / "dev-log");
  write("one\ntwo\nthr");
  set_cursor(system_now().time_since_epoch() + std::chrono::hours(1000), 7);
  make_shipper()->finish();
  EXPECT_THAT(receiver.take(), ElementsAre("one", "two", "thr"));
}

TEST_F(Shipping, TheLastLineNeedsNoNewlineAfterManyOthers) {
  Receiver receiver(directory / "dev-log");
  const auto shipper = make_shipper();
  write(replace_all(std::string(300, '.'), ".", "line\n") + "last");
  shipper->finish();  // no single turn sends so many, and the receiver takes a few at a time
  const std::vector<std::string> texts = receive(receiver, 301);
  ASSERT_EQ(texts.size(), 301U);
  EXPECT_EQ(texts.back(), "last");
}

TEST_F(Shipping, WhatWasWrittenWhileNobodyListenedIsSentLater) {
  const auto shipper = make_shipper();
  std::vector<std::string> trouble;
  shipper->on_trouble([&](const std::string& why) { trouble.push_back(why); });
  write("one\n");
  shipper->poke();
  ASSERT_EQ(trouble.size(), 1U);
  EXPECT_THAT(trouble[0], HasSubstr("dev-log"));
  Receiver receiver(directory / "dev-log");
  EXPECT_THAT(receive(receiver, 1), ElementsAre("one"));
  EXPECT_THAT(trouble, ElementsAre(testing::_, ""));
}

}  // namespace
}  // namespace consort::supervisor
