#include "buildkit/session/file_receiver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/os/files/file.hpp"
#include "buildkit/session/go_mode.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

class Receiving : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "/receive-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    base_ = path;
    ASSERT_TRUE(make_directories(base_ + "/root"));
    ASSERT_TRUE(write_file_atomic(base_ + "/outside", "mine"));
    receiver_ = std::make_unique<FileReceiver>(
        *open_file(base_ + "/root", O_RDONLY | O_DIRECTORY),
        [this](std::string_view packet) -> Result<> {
          wire::Packet& got = sent_.emplace_back();
          got.ParseFromArray(packet.data(), static_cast<int>(packet.size()));
          return {};
        },
        ReceiveLimits{.entries = 100, .name_bytes = 10'000, .bytes = 1000});
  }
  void TearDown() override { (void)remove_tree(base_); }

  Result<> stat(const std::string& path, std::uint32_t mode, const std::string& link = {}) {
    wire::Packet packet;
    packet.mutable_stat()->set_path(path);
    packet.mutable_stat()->set_mode(mode);
    packet.mutable_stat()->set_linkname(link);
    packet.mutable_stat()->set_mod_time(1'500'000'000'123'456'789);
    return receiver_->take(packet.SerializeAsString());
  }
  Result<> data(std::uint32_t id, const std::string& content) {
    wire::Packet packet;
    packet.set_type(wire::Packet::DATA);
    packet.set_id(id);
    packet.set_data(content);
    return receiver_->take(packet.SerializeAsString());
  }
  Result<> send(wire::Packet::Type type) {
    wire::Packet packet;
    packet.set_type(type);
    return receiver_->take(packet.SerializeAsString());
  }
  std::string root(const std::string& path) const { return base_ + "/root/" + path; }

  std::string base_;
  std::vector<wire::Packet> sent_;
  std::unique_ptr<FileReceiver> receiver_;
};

TEST_F(Receiving, MakesFilesDirectoriesAndLinksAsTheyWere) {
  ASSERT_TRUE(stat("a", go_mode::directory | 0555));
  ASSERT_TRUE(stat("a/f", 0640 | go_mode::setuid));
  ASSERT_TRUE(stat("a/l", go_mode::link | 0777, "../../outside"));
  ASSERT_TRUE(stat("a.txt", 0600));
  ASSERT_TRUE(stat("b", 0640, "a/f"));  // another name of it
  ASSERT_TRUE(send(wire::Packet::STAT));
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[0].id(), 1U);
  EXPECT_EQ(sent_[1].id(), 3U);
  ASSERT_TRUE(data(3, ""));
  ASSERT_TRUE(data(1, "hel"));
  ASSERT_TRUE(data(1, "lo"));
  ASSERT_TRUE(data(1, ""));
  ASSERT_EQ(sent_.size(), 3U);
  EXPECT_EQ(sent_[2].type(), wire::Packet::FIN);
  EXPECT_FALSE(receiver_->done());
  ASSERT_TRUE(send(wire::Packet::FIN));
  EXPECT_TRUE(receiver_->done());

  EXPECT_EQ(*read_file(root("a/f")), "hello");
  EXPECT_EQ(*read_file(root("b")), "hello");
  const struct stat file = *lstat_path(root("a/f"));
  EXPECT_EQ(file.st_mode & 07777U, 04640U);
  EXPECT_EQ(file.st_mtim.tv_sec, 1'500'000'000);
  EXPECT_EQ(file.st_nlink, 2U);
  EXPECT_EQ(lstat_path(root("a"))->st_mode & 07777U, 0555U);
  EXPECT_EQ(lstat_path(root("a"))->st_mtim.tv_sec, 1'500'000'000);
  EXPECT_TRUE(S_ISLNK(lstat_path(root("a/l"))->st_mode));
  EXPECT_EQ(*read_file(base_ + "/outside"), "mine");
}

TEST_F(Receiving, NoPathLeadsOut) {
  for (const char* path : {"/etc/x", "..", "../outside", "a/../../outside", ".", "", "a//b", "a/", "a/./b"})
    EXPECT_FALSE(stat(path, 0644)) << path;
  EXPECT_FALSE(stat(std::string("a\0b", 3), 0644));
  EXPECT_TRUE(std::filesystem::is_empty(base_ + "/root"));
}

TEST_F(Receiving, NothingIsMadeThroughALink) {
  ASSERT_TRUE(stat("l", go_mode::link | 0777, ".."));
  EXPECT_FALSE(stat("l/outside", 0644));
  EXPECT_FALSE(stat("l/new", go_mode::directory | 0755));
  EXPECT_FALSE(path_exists(base_ + "/new"));
}

TEST_F(Receiving, AHardLinkNamesAFileThatWasSent) {
  ASSERT_TRUE(stat("l", go_mode::link | 0777, "../outside"));
  EXPECT_FALSE(stat("m", 0644, "../outside"));
  EXPECT_FALSE(stat("n", 0644, "l"));
  EXPECT_FALSE(stat("o", 0644, "nothing"));
  EXPECT_EQ(lstat_path(base_ + "/outside")->st_nlink, 1U);
}

TEST_F(Receiving, EachPathComesOnceAndInOrder) {
  ASSERT_TRUE(stat("b", 0644));
  EXPECT_FALSE(stat("b", 0644));
  EXPECT_FALSE(stat("a", 0644));
  EXPECT_FALSE(stat("c/d", 0644)) << "its folder is not there";
}

TEST_F(Receiving, OnlyWhatWasAskedForIsTaken) {
  EXPECT_FALSE(data(0, "x"));
  ASSERT_TRUE(stat("d", go_mode::directory | 0755));
  EXPECT_FALSE(data(0, "x"));
  EXPECT_FALSE(send(wire::Packet::FIN)) << "before all was there";
  EXPECT_FALSE(send(wire::Packet::REQ));
  EXPECT_FALSE(receiver_->take("\xff\xff\xff"));
}

TEST_F(Receiving, HasLimits) {
  ASSERT_TRUE(stat("f", 0644));
  ASSERT_TRUE(data(0, std::string(1000, 'x')));
  EXPECT_FALSE(data(0, "x"));
  for (int i = 1; i < 100; ++i) ASSERT_TRUE(stat("g" + std::to_string(1000 + i), go_mode::directory | 0755)) << i;
  EXPECT_FALSE(stat("h", 0644));
}

TEST_F(Receiving, DeviceFilesAreRefused) {
  EXPECT_FALSE(stat("d", go_mode::device | 0666));
  EXPECT_FALSE(stat("e", go_mode::device | go_mode::character | 0666));
  EXPECT_TRUE(stat("p", go_mode::pipe | 0666));
}

TEST_F(Receiving, FewFilesAreOpenAtATime) {
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(stat("f" + std::to_string(100 + i), 0644));
  ASSERT_TRUE(send(wire::Packet::STAT));
  EXPECT_EQ(sent_.size(), 64U);
  for (std::uint32_t i = 0; i < 90; ++i) ASSERT_TRUE(data(i, ""));
  ASSERT_EQ(sent_.size(), 91U);
  EXPECT_EQ(sent_.back().type(), wire::Packet::FIN);
}

}  // namespace
}  // namespace consort::buildkit
