#include "runtime/user.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort::runtime {
namespace {

constexpr std::string_view passwd =
    "# comment\n\nroot:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001:A:/home/alice:/bin/sh\n"
    "broken:x:abc:1:::\n77:x:5:6::/seven:\nnohome:x:8:8:::\nshort:x:9\n";
constexpr std::string_view group = "root:x:0:\naudio:x:29:bob,alice\nvideo:x:44:alice\nstaff:x:50:\nbad:x:y:alice\n";

std::string show(const std::string& user, const std::vector<std::string>& add = {}) {
  const Result<ResolvedUser> r = resolve_user_in(passwd, group, user, add);
  if (!r) return r.error().message();
  std::string text = std::to_string(r->uid) + ":" + std::to_string(r->gid) + " " + r->home;
  for (const std::uint32_t gid : r->groups) text += " " + std::to_string(gid);
  return text;
}

TEST(ResolveUser, FormsOfTheTable) {
  EXPECT_EQ(show(""), "0:0 /root");
  EXPECT_EQ(show("alice"), "1000:1001 /home/alice 29 44");
  EXPECT_EQ(show("1000"), "1000:1001 /home/alice 29 44");  // a number listed in passwd is treated like its name
  EXPECT_EQ(show("4242"), "4242:0 /");
  EXPECT_EQ(show("alice:staff"), "1000:50 /home/alice");  // with a group, there are no supplementary ones
  EXPECT_EQ(show("alice:1234"), "1000:1234 /home/alice");
  EXPECT_EQ(show("77"), "5:6 /seven");  // a name is tried first
  EXPECT_EQ(show("nohome"), "8:8 /");
  EXPECT_EQ(show("alice", {"staff", "99", "audio"}), "1000:1001 /home/alice 29 44 50 99");
}

TEST(ResolveUser, UnknownNamesHaveDockersWords) {
  EXPECT_EQ(show("nosuch"), "unable to find user nosuch: no matching entries in passwd file");
  EXPECT_EQ(show("broken"), "unable to find user broken: no matching entries in passwd file");
  EXPECT_EQ(show("alice:nosuch"), "unable to find group nosuch: no matching entries in group file");
  EXPECT_EQ(show("alice", {"nosuch"}), "unable to find group nosuch: no matching entries in group file");
  EXPECT_EQ(show("4294967295"), "unable to find user 4294967295: no matching entries in passwd file");
}

TEST(ResolveUser, WithoutFilesNumbersStillWork) {
  EXPECT_EQ(resolve_user_in("", "", "0")->home, "/root");
  EXPECT_EQ(resolve_user_in("", "", "12:34")->gid, 34u);
  EXPECT_FALSE(resolve_user_in("", "", "www"));
}

// A container can put any file there, and we would open it.
TEST(ResolveUser, TheFilesAreReadOnlyIfTheyAreFiles) {
  std::string directory = testing::TempDir() + "/consort-user-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string table = directory + "/etc/passwd";
  ASSERT_TRUE(make_directories(directory + "/etc"));
  ASSERT_EQ(::mkfifo(table.c_str(), 0600), 0);
  const Fd filled = open_file(table, O_RDWR | O_NONBLOCK).value();
  ASSERT_TRUE(write_full(filled.get(), "alice:x:1:1:::\n"));
  const Fd root = open_file(directory, O_PATH | O_DIRECTORY).value();
  const auto resolved = resolve_user(root.get(), "alice");
  ASSERT_FALSE(resolved);
  EXPECT_NE(resolved.error().message().find("is a named pipe"), std::string::npos) << resolved.error().message();
  ASSERT_TRUE(remove_tree(directory));
}

}  // namespace
}  // namespace consort::runtime
