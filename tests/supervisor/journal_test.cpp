#include "supervisor/journal.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <fstream>

#include "base/os/files/file.hpp"
#include "temporary_directory.hpp"

namespace consort::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JournalTest : public testing::Test {
 protected:
  void add(const std::string& action, const std::string& filling = {}) {
    JournalEntry entry{.time = SystemTime(Nanoseconds(++time_)),
                       .action = action,
                       .id = "ab12",
                       .name = "shop-web-1",
                       .attributes = {},
                       .exec = 0};
    if (!filling.empty()) entry.attributes["filling"] = filling;
    ASSERT_TRUE(append_to_journal(directory(), entry));
  }
  std::vector<std::string> read(JournalPosition& position) {
    std::vector<std::string> actions;
    const auto entries = read_journal(directory(), position);
    EXPECT_TRUE(entries);
    for (const JournalEntry& entry : *entries) actions.push_back(entry.action);
    return actions;
  }
  void add_raw(const std::string& text) { std::ofstream(journal_path(directory()), std::ios::app) << text; }
  std::string directory() const { return temporary_.path() + "/projects/shop"; }

  TemporaryDirectory temporary_;
  JournalPosition position_;
  std::int64_t time_ = 1'795'708'495'123'456'789;
};

// The file is deleted, and the next one gets its inode number.
TEST_F(JournalTest, ANewFileWithTheSameInodeIsReadFromItsBeginning) {
  add("one");
  add("two");
  EXPECT_THAT(read(position_), ElementsAre("one", "two"));
  const auto begin_again = [&] { std::ofstream(journal_path(directory()), std::ios::trunc).flush(); };
  begin_again();
  add("three");
  EXPECT_THAT(read(position_), ElementsAre("three"));
  begin_again();
  add("a much longer one, which goes on behind what was read before");
  add("four");
  EXPECT_EQ(read(position_).size(), 2u);
  EXPECT_THAT(read(position_), IsEmpty());
}

TEST_F(JournalTest, GivesWhatWasWritten) {
  const JournalEntry entry{.time = SystemTime(Nanoseconds(1'795'708'495'123'456'789)),
                           .action = "exec_create: sh -c echo \"two\nlines\"",
                           .id = "ab12",
                           .name = "shop-web-1",
                           .attributes = {{"exitCode", "3"}, {"execDuration", "0"}},
                           .exec = 77};
  ASSERT_TRUE(append_to_journal(directory(), entry));
  const auto entries = read_journal(directory(), position_);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1u);
  const JournalEntry& read = entries->front();
  EXPECT_EQ(read.time, entry.time);
  EXPECT_EQ(read.action, entry.action);
  EXPECT_EQ(read.id, entry.id);
  EXPECT_EQ(read.name, entry.name);
  EXPECT_EQ(read.attributes, entry.attributes);
  EXPECT_EQ(read.exec, entry.exec);
}

TEST_F(JournalTest, NoJournalIsAnEmptyOne) {
  EXPECT_THAT(read(position_), IsEmpty());
  EXPECT_FALSE(path_exists(directory()));  // looking makes nothing
}

TEST_F(JournalTest, IsForItsOwnerAlone) {
  add("start");
  EXPECT_EQ(stat_path(journal_path(directory()))->st_mode & 07777, 0600u);
}

TEST_F(JournalTest, ReadsOnFromItsPosition) {
  add("create");
  EXPECT_THAT(read(position_), ElementsAre("create"));
  EXPECT_THAT(read(position_), IsEmpty());
  add("start");
  add("die");
  EXPECT_THAT(read(position_), ElementsAre("start", "die"));
}

TEST_F(JournalTest, ALineThatIsNotCompleteWaits) {
  add("start");
  const std::string whole =
      entry_to_json({.time = {}, .action = "die", .id = "ab", .name = "n", .attributes = {}, .exec = 0});
  add_raw(whole.substr(0, 10));
  EXPECT_THAT(read(position_), ElementsAre("start"));
  add_raw(whole.substr(10) + "\n");
  EXPECT_THAT(read(position_), ElementsAre("die"));
}

TEST_F(JournalTest, ATornLineIsLeftOutAndHarmsNoOther) {
  add("start");
  add_raw("{\"t\":12,\"action\":\"di");  // its writer was killed here
  add("stop");
  add_raw("not JSON\n{}\n\n");
  add("destroy");
  EXPECT_THAT(read(position_), ElementsAre("start", "stop", "destroy"));
}

TEST_F(JournalTest, AFullOneIsSetAsideAndReadToItsEnd) {
  add("first");
  EXPECT_THAT(read(position_), ElementsAre("first"));
  add("second");
  add("filling", std::string(journal_bytes_limit, 'x'));
  add("third");  // begins the new file
  EXPECT_TRUE(path_exists(journal_path(directory()) + ".1"));
  EXPECT_LT(stat_path(journal_path(directory()))->st_size, 1000);
  EXPECT_THAT(read(position_), ElementsAre("second", "filling", "third"));
  add("fourth");
  EXPECT_THAT(read(position_), ElementsAre("fourth"));
  JournalPosition other;
  EXPECT_THAT(read(other), ElementsAre("first", "second", "filling", "third", "fourth"));
}

// The process that rotates the file may have been stopped while doing so.
TEST_F(JournalTest, NobodyWaitsForOneWhoHasItLocked) {
  const std::string filling(256 << 10, 'x');
  add("first");
  const Fd locked = open_file(journal_path(directory()), O_RDONLY).value();
  ASSERT_EQ(::flock(locked.get(), LOCK_EX), 0);
  for (int i = 0; i < 6; ++i) add("full", filling);
  EXPECT_FALSE(path_exists(journal_path(directory()) + ".1"));
  ASSERT_EQ(::flock(locked.get(), LOCK_UN), 0);
  add("last");
  EXPECT_TRUE(path_exists(journal_path(directory()) + ".1"));
  EXPECT_EQ(read(position_).size(), 8U);
}

TEST_F(JournalTest, StaysBounded) {
  const std::string filling(1000, 'x');
  for (int i = 0; i < 1200; ++i) add("top", filling);
  for (const std::string& path : {journal_path(directory()), journal_path(directory()) + ".1"})
    EXPECT_LT(static_cast<std::uint64_t>(stat_path(path)->st_size), journal_bytes_limit + 2000);
  // A reader that has not looked for that long gets whatever is left, in order.
  const auto entries = read_journal(directory(), position_);
  ASSERT_TRUE(entries);
  EXPECT_GT(entries->size(), journal_bytes_limit / 1200);
  EXPECT_TRUE(std::ranges::is_sorted(*entries, {}, &JournalEntry::time));
  EXPECT_EQ(entries->back().time, SystemTime(Nanoseconds(time_)));
}

}  // namespace
}  // namespace consort::supervisor
