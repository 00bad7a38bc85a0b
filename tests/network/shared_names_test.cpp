#include "network/shared_names.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort {
namespace {

NameRecord record(const std::string& network, const std::string& name, const std::string& ipv4) {
  return {network, "net_" + network, name, {name, "alias"}, Address::parse(ipv4), Address::parse("fd00::1")};
}

class SharedNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/consort-names-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(root_)); }
  std::unique_ptr<SharedNames> join(const std::string& project, int& changes) {
    return SharedNames::create(loop_, root_, project, [&changes] { ++changes; }).value();
  }
  void settle() {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(loop_.run_once(std::chrono::milliseconds(0)));
  }

  std::string root_;
  EventLoop loop_ = EventLoop::create().value();
};

TEST_F(SharedNamesTest, ASuccessorTakesBackWhatItsPredecessorHasPublished) {
  int a_changes = 0, b_changes = 0;
  auto a = join("a", a_changes);
  ASSERT_TRUE(a->publish({record("n1", "a-web-1", "172.18.0.2")}));
  auto killed = join("b", b_changes);
  ASSERT_TRUE(killed->publish({record("n1", "b-db-1", "172.18.0.3"), record("n2", "b-x-1", "172.19.0.2")}));
  killed.reset();
  ASSERT_TRUE(write_file_atomic(root_ + "/networks/n2/b.json.tmp-0123456789abcdef", "["));
  settle();
  ASSERT_EQ(a->others().size(), 1u);

  auto b = join("b", b_changes);
  ASSERT_TRUE(b->publish({record("n2", "b-x-1", "172.19.0.2")}));  // b-db-1 has ended meanwhile
  settle();
  EXPECT_TRUE(a->others().empty());
  ASSERT_TRUE(b->publish({}));
  EXPECT_FALSE(path_exists(root_ + "/networks/n2"));
}

TEST_F(SharedNamesTest, WhatNobodyTakesOverIsSwept) {
  int changes = 0;
  for (const char* project : {"dead", "alive"})
    ASSERT_TRUE(join(project, changes)->publish({record("n1", "x", "172.18.0.2"), record("gone", "x", "172.18.0.3")}));
  sweep_shared_names(
      root_, [](const std::string& network) { return network != "gone"; },
      [](const std::string& project) { return project == "dead" ? std::optional(Fd()) : std::nullopt; });
  EXPECT_FALSE(path_exists(root_ + "/networks/gone"));
  EXPECT_FALSE(path_exists(root_ + "/networks/n1/dead.json"));
  EXPECT_TRUE(path_exists(root_ + "/networks/n1/alive.json"));
}

TEST_F(SharedNamesTest, EachSeesTheOthersOnTheNetworksItIsOn) {
  int a_changes = 0, b_changes = 0;
  auto a = join("a", a_changes);
  auto b = join("b", b_changes);
  ASSERT_TRUE(a->publish({record("n1", "a-web-1", "172.18.0.2")}));
  ASSERT_TRUE(b->publish({record("n1", "b-db-1", "172.18.0.3"), record("n2", "b-x-1", "172.19.0.2")}));
  ASSERT_EQ(b->others().size(), 1u);
  EXPECT_EQ(b->others()[0].container_name, "a-web-1");
  settle();
  EXPECT_EQ(a_changes, 1);
  ASSERT_EQ(a->others().size(), 1u);
  EXPECT_EQ(a->others()[0].container_name, "b-db-1");
  EXPECT_EQ(a->others()[0].names, (std::vector<std::string>{"b-db-1", "alias"}));
  EXPECT_EQ(a->others()[0].network_name, "net_n1");
  EXPECT_EQ(a->others()[0].ipv4, Address::parse("172.18.0.3"));
  EXPECT_EQ(a->others()[0].ipv6, Address::parse("fd00::1"));
  EXPECT_EQ(b_changes, 0);

  ASSERT_TRUE(b->publish({}));  // b is not on a network any more
  settle();
  EXPECT_EQ(a_changes, 2);
  EXPECT_TRUE(a->others().empty());
  EXPECT_FALSE(path_exists(root_ + "/networks/n2"));
  ASSERT_TRUE(a->publish({}));
  EXPECT_FALSE(path_exists(root_ + "/networks/n1"));
}

TEST_F(SharedNamesTest, TheSameNamesAgainWakeNobody) {
  int a_changes = 0, b_changes = 0;
  auto a = join("a", a_changes);
  auto b = join("b", b_changes);
  ASSERT_TRUE(a->publish({record("n1", "a-web-1", "172.18.0.2")}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(b->publish({record("n1", "b-db-1", "172.18.0.3")}));
  settle();
  EXPECT_EQ(a_changes, 1);
}

TEST_F(SharedNamesTest, AnUnreadableFileIsNoReasonToFail) {
  int changes = 0;
  auto a = join("a", changes);
  ASSERT_TRUE(a->publish({record("n1", "a-web-1", "172.18.0.2")}));
  ASSERT_TRUE(write_file_atomic(root_ + "/networks/n1/bad.json", "{not json"));
  ASSERT_TRUE(write_file_atomic(root_ + "/networks/n1/odd.json", "[1, {\"names\": 7, \"ipv4\": []}]"));
  settle();
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(a->others().size(), 2u);
}

}  // namespace
}  // namespace consort
