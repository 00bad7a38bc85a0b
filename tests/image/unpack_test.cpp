#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <zstd.h>

#include <thread>

#include "base/strings.hpp"
#include "image/layer_tar.hpp"
#include "image/tar/overlay_form.hpp"
#include "support.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;

class Unpack : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
    ASSERT_TRUE(make_directories(root));
    ASSERT_TRUE(write_file_atomic(directory / "outside", "untouched"));
  }
  void TearDown() override {
    if (!is_root()) return;
    EXPECT_EQ(read_file(directory / "outside").value(), "untouched");
  }
  Result<UnpackReport> unpack(const std::string& tar, UnpackLimits limits = {}) {
    UnpackOptions options;
    options.limits = limits;
    return unpack_layer(decompressed(source_of(tar)), root, options);
  }
  std::string refused(const std::string& tar, UnpackLimits limits = {}) {
    const auto report = unpack(tar, limits);
    EXPECT_FALSE(report);
    if (report) return "was not refused";
    EXPECT_EQ(report.error().code(), Code::invalid) << report.error().message();
    return report.error().message();
  }
  struct stat look(const std::string& name) {
    return lstat_path(root + "/" + name).value();
  }
  std::string read(const std::string& name) { return read_file(root + "/" + name).value(); }

  TempDir directory;
  std::string root = directory / "layer";
};

TEST_F(Unpack, TheGroupOfADirectoryIsNotPassedOn) {
  ASSERT_EQ(::chown(root.c_str(), 0, 33), 0);
  ASSERT_EQ(::chmod(root.c_str(), 02775), 0);
  UnpackOptions plain;  // as ADD does into a directory that is there
  plain.whiteouts = UnpackOptions::Whiteouts::plain;
  const std::string tar = TarBuilder().file("file", "x").dir("d").file("d/below", "x").symlink("link", "file").str();
  ASSERT_TRUE(unpack_layer(source_of(tar), root, plain));
  for (const char* name : {"file", "d", "d/below", "link"}) EXPECT_EQ(look(name).st_gid, 0U) << name;
}

TEST_F(Unpack, KeepsModesOwnersTimesAndLinks) {
  TarHeader header{
      .path = "bin/su", .link = {}, .type = '0', .mode = 04755, .uid = 1234, .gid = 4321, .mtime = 77, .xattrs = {}};
  header.xattrs["security.capability"] = std::string("\x01\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  header.xattrs["user.note"] = "hello";
  header.xattrs["trusted.overlay.redirect"] = "/etc";
  ASSERT_TRUE(unpack(TarBuilder()
                         .dir("./", 0711)
                         .dir("bin", 02750)
                         .add(header, "payload")
                         .symlink("bin/link", "/etc/passwd")
                         .hard_link("hard", "./bin/su")
                         .str()));
  const struct stat st = look("bin/su");
  EXPECT_EQ(st.st_mode & 07777, 04755u);
  EXPECT_EQ(st.st_uid, 1234u);
  EXPECT_EQ(st.st_gid, 4321u);
  EXPECT_EQ(st.st_mtime, 77);
  EXPECT_EQ(st.st_nlink, 2u);
  EXPECT_EQ(look("hard").st_ino, st.st_ino);
  EXPECT_EQ(look("bin").st_mode & 07777, 02750u);
  EXPECT_EQ(look("bin").st_mtime, 1'600'000'000);
  EXPECT_EQ(look(".").st_mode & 07777, 0711u);
  char value[64];
  EXPECT_EQ(::getxattr((root + "/bin/su").c_str(), "security.capability", value, sizeof value), 20);
  EXPECT_LT(::getxattr((root + "/bin/su").c_str(), "trusted.overlay.redirect", value, sizeof value), 0);
}

TEST_F(Unpack, SetGroupIdOfADirectoryDoesNotLeakIntoFiles) {
  TarHeader dir{.path = "mail/", .link = {}, .type = '5', .mode = 02775, .uid = 0, .gid = 8, .xattrs = {}};
  ASSERT_TRUE(unpack(TarBuilder().add(dir).file("mail/x", "x").str()));
  EXPECT_EQ(look("mail/x").st_gid, ::getegid());
  EXPECT_EQ(look("mail").st_mode & 07777, 02775u);
}

TEST_F(Unpack, RefusesNamesThatLeadOut) {
  EXPECT_THAT(refused(TarBuilder().file("../outside", "evil").str()), HasSubstr("leads out of the layer"));
  EXPECT_THAT(refused(TarBuilder().file("a/../../outside", "evil").str()), HasSubstr("leads out of the layer"));
  EXPECT_THAT(refused(TarBuilder().hard_link("x", "../outside").str()), HasSubstr("leads out of the layer"));
  EXPECT_THAT(refused(TarBuilder().file("/../outside", "evil").str()), HasSubstr("leads out of the layer"));
}

TEST_F(Unpack, AbsoluteNamesAreInsideTheLayer) {
  ASSERT_TRUE(unpack(TarBuilder().file("/etc/consort-test", "in").str()));
  EXPECT_EQ(read("etc/consort-test"), "in");
  EXPECT_FALSE(path_exists("/etc/consort-test"));
}

TEST_F(Unpack, SymbolicLinksAreFollowedInsideOnly) {
  ASSERT_TRUE(unpack(TarBuilder()
                         .dir("real")
                         .symlink("up", "../../..")
                         .symlink("abs", "/real")
                         .file("up/x", "1")
                         .file("abs/y", "2")
                         .str()));
  EXPECT_EQ(read("x"), "1");
  EXPECT_EQ(read("real/y"), "2");
  // Through a symlink to a file outside: the symlink itself is replaced.
  ASSERT_TRUE(unpack(TarBuilder().symlink("l", "../outside").file("l", "evil").str()));
  EXPECT_EQ(read("l"), "evil");
}

TEST_F(Unpack, HardLinkThroughALinkStaysInside) {
  EXPECT_THAT(refused(TarBuilder().symlink("d", "..").hard_link("x", "d/outside").str()),
              HasSubstr("is not in the layer"));
  ASSERT_TRUE(unpack(TarBuilder().symlink("s", "../outside").hard_link("h", "s").str()));
  EXPECT_TRUE(S_ISLNK(look("h").st_mode));
}

TEST_F(Unpack, HardLinksNameWhatTheLayerHolds) {
  for (const char* target : {"nothing", "no/folder/file", "/etc/passwd", "loop/x"}) {
    const std::string tar = TarBuilder().symlink("loop", "loop").hard_link("h", target).str();
    EXPECT_THAT(refused(tar), HasSubstr("is not in the layer")) << target;
  }
}

TEST_F(Unpack, DirectoriesReplacedByLinksAreNotFollowedAfterwards) {
  ASSERT_TRUE(unpack(TarBuilder().dir("d", 0700).file("d/a", "1").symlink("d", "/tmp").str()));
  EXPECT_TRUE(S_ISLNK(look("d").st_mode));
  ASSERT_TRUE(unpack(TarBuilder().dir("e").file("e/a", "1").file("e", "now a file").dir("e").file("e/b", "2").str()));
  EXPECT_EQ(read("e/b"), "2");
  EXPECT_FALSE(path_exists(root + "/e/a"));
}

TEST_F(Unpack, WhiteoutsTakeOverlayForm) {
  ASSERT_TRUE(
      unpack(TarBuilder().dir("a").file("a/.wh.gone", "").file("b/.wh..wh..opq", "").file(".wh..wh.plnk", "").str()));
  EXPECT_TRUE(is_whiteout(look("a/gone")));
  EXPECT_EQ(look("a/gone").st_mtime, 1'700'000'000);  // otherwise this layer could not be packed again
  const Fd b = open_file(root + "/b", O_RDONLY).value();
  EXPECT_TRUE(is_opaque(b.get()));
  EXPECT_FALSE(path_exists(root + "/.wh..wh.plnk"));
}

TEST_F(Unpack, AWhiteoutBesideADirectoryOfTheSameLayerMakesItOpaque) {
  ASSERT_TRUE(unpack(
      TarBuilder().file(".wh.x", "").dir("x").file("x/new", "1").dir("y").file("y/new", "1").file(".wh.y", "").str()));
  for (const char* name : {"x", "y"}) {
    const Fd fd = open_file(root + "/" + name, O_RDONLY | O_DIRECTORY).value();
    EXPECT_TRUE(is_opaque(fd.get())) << name;
    EXPECT_EQ(read(std::string(name) + "/new"), "1");
  }
  EXPECT_THAT(refused(TarBuilder().file("a/.wh.", "").str()), HasSubstr("whiteout"));
  EXPECT_THAT(refused(TarBuilder().file(".wh...", "").str()), HasSubstr("whiteout"));
}

TEST_F(Unpack, KeepsToItsLimits) {
  const std::string tar = TarBuilder().file("zero", std::string(3 << 20, '\0')).str();
  EXPECT_THAT(refused(gzip(tar), {1 << 20, 100}), HasSubstr("larger than the limit"));
  TarBuilder many;
  for (int i = 0; i < 20; ++i) many.dir("d" + std::to_string(i));
  EXPECT_THAT(refused(many.str(), {1 << 20, 10}), HasSubstr("10 entries"));
}

TEST_F(Unpack, SaysWhatIsCutOffOrDamaged) {
  const std::string tar = TarBuilder().file("a", std::string(100'000, 'x')).str();
  EXPECT_THAT(refused(tar.substr(0, 50'000)), HasSubstr("ends in the middle of a file"));
  const std::string packed = gzip(TarBuilder().file("a", random_id() + random_id()).str());
  EXPECT_THAT(refused(packed.substr(0, packed.size() - 10)), HasSubstr("ends too early"));
  std::string broken = packed;
  broken[broken.size() - 6] ^= 0x55;
  EXPECT_THAT(refused(broken), HasSubstr("damaged"));
  std::string header = tar;
  header[0] = 'b';
  EXPECT_THAT(refused(header), HasSubstr("checksum"));
}

TEST_F(Unpack, TheLastFileNeedsNoPadding) {
  const std::string tar = TarBuilder().file("a", "first").file("b", "last").str();
  ASSERT_TRUE(unpack(tar.substr(0, 3 * 512 + 4)));
  EXPECT_EQ(read("b"), "last");
}

TEST_F(Unpack, ReadsZstdAndSeveralGzipMembers) {
  const std::string tar = TarBuilder().file("a", "zstd").str();
  std::string packed(ZSTD_compressBound(tar.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), tar.data(), tar.size(), 1));
  ASSERT_TRUE(unpack(packed));
  EXPECT_EQ(read("a"), "zstd");
  EXPECT_THAT(refused(packed.substr(0, packed.size() - 3)), HasSubstr("ends too early"));
  const std::string two = TarBuilder().file("b", "members").str();
  ASSERT_TRUE(unpack(gzip(two.substr(0, 700)) + gzip(two.substr(700))));
  EXPECT_EQ(read("b"), "members");
}

TEST_F(Unpack, LongNamesOwnersAndOldTimesSurviveARoundTrip) {
  const std::string deep = std::string(120, 'd') + "/" + std::string(200, 'e') + "/\xff\xfe-not-utf8";
  TarHeader header{.path = deep,
                   .link = {},
                   .type = '0',
                   .mode = 0600,
                   .uid = 4'000'000,
                   .gid = 3'000'000'000u,
                   .mtime = -5,
                   .xattrs = {}};
  header.xattrs["user.binary"] = std::string("a\0=\n", 4);
  ASSERT_TRUE(unpack(TarBuilder()
                         .add(header, "x")
                         .symlink("l", std::string(300, 't'))
                         .file(".wh.w", "")
                         .dir("o")
                         .file("o/.wh..wh..opq", "")
                         .str()));
  EXPECT_EQ(look(deep).st_uid, 4'000'000u);
  EXPECT_EQ(look(deep).st_gid, 3'000'000'000u);
  EXPECT_EQ(look(deep).st_mtime, -5);
  std::string first, second;
  ASSERT_TRUE(pack_layer(root, sink_to(first)));
  ASSERT_TRUE(remove_tree(root));
  ASSERT_TRUE(make_directories(root));
  ASSERT_TRUE(unpack(first));
  ASSERT_TRUE(pack_layer(root, sink_to(second)));
  EXPECT_EQ(first, second);
}

TEST_F(Unpack, GnuTarUnderstandsWhatWeWrite) {
  ASSERT_TRUE(unpack(TarBuilder().dir("a").file("a/b", "text").hard_link("c", "a/b").symlink("d", "a").str()));
  std::string tar;
  ASSERT_TRUE(pack_layer(root, sink_to(tar)));
  ASSERT_TRUE(write_file_atomic(directory / "x.tar", tar));
  EXPECT_EQ(
      std::system(("cd " + directory.path() + " && mkdir gnu && tar -C gnu -xf x.tar && diff -r layer gnu").c_str()),
      0);
}

// GNU tar creates all forms of sparse files.
TEST_F(Unpack, SparseFilesOfAllFormats) {
  const std::string make = "cd " + directory.path() +
                           " && mkdir -p src && truncate -s 3M src/hole && printf start | dd of=src/hole conv=notrunc "
                           "status=none && printf end | dd of=src/hole bs=1 seek=2000000 conv=notrunc status=none";
  ASSERT_EQ(std::system(make.c_str()), 0);
  const std::string wanted = read_file(directory / "src/hole").value();
  for (const char* format : {"--format=gnu", "--format=posix --sparse-version=0.0",
                             "--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0"}) {
    ASSERT_EQ(std::system(("cd " + directory.path() + "/src && tar -S -cf ../s.tar " + format + " hole").c_str()), 0);
    ASSERT_TRUE(remove_tree(root));
    ASSERT_TRUE(make_directories(root));
    const std::string tar = read_file(directory / "s.tar").value();
    EXPECT_LT(tar.size(), 200'000u) << format;
    const auto report = unpack(tar);
    ASSERT_TRUE(report) << format << ": " << report.error().message();
    EXPECT_EQ(read("hole"), wanted) << format;
    EXPECT_LT(look("hole").st_blocks, 1000) << format;
  }
}

TEST_F(Unpack, DevicesAreMade) {
  TarHeader device{
      .path = "null", .link = {}, .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3, .xattrs = {}};
  TarHeader fifo{.path = "pipe", .link = {}, .type = '6', .mode = 0640, .xattrs = {}};
  ASSERT_TRUE(unpack(TarBuilder().add(device).add(fifo).str()));
  EXPECT_EQ(look("null").st_rdev, ::makedev(1, 3));
  EXPECT_EQ(look("null").st_mode & 07777, 0666u);
  EXPECT_TRUE(S_ISFIFO(look("pipe").st_mode));
}

// As a container can do while files are copied into it: a newly created file is replaced by a symlink to the outside.
TEST_F(Unpack, AModeIsNotSetThroughALinkThatTakesThePlace) {
  ASSERT_EQ(::chmod((directory / "outside").c_str(), 0600), 0);
  const std::string link = root + "/link", made = root + "/made";
  TarHeader fifo{.path = "made", .link = {}, .type = '6', .mode = 0666, .xattrs = {}};
  const std::string pipe = TarBuilder().add(fifo).str(), file_in_directory = TarBuilder().file("made/file", "x").str();
  Race race;
  std::jthread container([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      if (!path_exists(made)) continue;
      (void)!::symlink((directory / "outside").c_str(), link.c_str());
      (void)race.swap(link, made);
      (void)remove_tree(made);
      (void)remove_tree(link);
    }
  });
  UnpackOptions plain;
  plain.whiteouts = UnpackOptions::Whiteouts::plain;
  while (race.goes_on()) {
    (void)unpack_layer(source_of(race.round() % 2 == 0 ? pipe : file_in_directory), root, plain);
    ASSERT_EQ(stat_path(directory / "outside")->st_mode & 0777, 0600U) << race.round();
  }
  if (race.swaps() == 0) GTEST_SKIP() << "needs a file system that exchanges names";
}

}  // namespace
}  // namespace consort::image
