// Directories as goldens: testfiles/NAME/Dockerfile gives testfiles/NAME/result. CONSORT_RECORD=1 writes the results.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/os/files/file.hpp"
#include "build/dockerfile/ast.hpp"
#include "build/dockerfile/commands.hpp"
#include "build/dockerfile/mount.hpp"

namespace consort::build {
namespace {

std::string render(const Result<Dockerfile>& parsed) {
  if (parsed) return dump(*parsed);
  std::string text = "error: " + parsed.error().message();
  if (const Mark* mark = parsed.error().mark())
    text += " at " + std::to_string(mark->line) + ":" + std::to_string(mark->column);
  return text + "\n";
}

TEST(Parser, Goldens) {
  int count = 0;
  for (const auto& directory : std::filesystem::directory_iterator(std::string(CONSORT_TEST_DATA) + "/testfiles")) {
    SCOPED_TRACE(directory.path().filename());
    ++count;
    const auto text = read_file(directory.path() / "Dockerfile");
    ASSERT_TRUE(text);
    const std::string result = render(parse_dockerfile(*text, "Dockerfile"));
    if (::getenv("CONSORT_RECORD")) std::ofstream(directory.path() / "result") << result;
    const auto expected = read_file(directory.path() / "result");
    ASSERT_TRUE(expected);
    EXPECT_EQ(result, *expected);
  }
  EXPECT_GT(count, 5);
}

Result<RunMount> mount(const char* text) {
  return parse_mount(text, [](std::string_view value) -> Result<std::string> { return std::string(value); });
}

TEST(Mounts, AreReadAndChecked) {
  const auto cache = mount("type=cache,target=/c,id=x,sharing=locked,uid=5,mode=0700");
  ASSERT_TRUE(cache);
  EXPECT_EQ(cache->type, RunMount::Type::cache);
  EXPECT_EQ(cache->sharing, RunMount::Sharing::locked);
  EXPECT_EQ(cache->mode, 0700U);
  EXPECT_FALSE(cache->read_only);
  EXPECT_TRUE(mount("target=/x")->read_only);
  EXPECT_FALSE(mount("target=/x,rw")->read_only);
  EXPECT_EQ(mount("type=tmpfs,target=/t,size=64m")->size_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(mount("\"target=/a,b\"")->target, "/a,b");
  EXPECT_EQ(mount("type=foo").error().message(), "unsupported mount type \"foo\"");
  EXPECT_EQ(mount("targe=/x").error().message(), "unexpected key 'targe' in 'targe=/x' (did you mean target?)");
  EXPECT_FALSE(mount("type=bind,mode=0700,target=/x"));
  EXPECT_FALSE(mount("type=secret"));
  EXPECT_FALSE(mount("foo"));
  EXPECT_FALSE(mount_source("from=$x"));
}

TEST(Interpret, MarksTheInstructionAtFault) {
  const auto parsed = parse_dockerfile("FROM a\nRUN x\n  COPY --form=b c d\n", "Dockerfile");
  ASSERT_TRUE(parsed);
  const auto file = interpret(*parsed);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message(), "dockerfile parse error on line 3: unknown flag: --form (did you mean from?)");
  ASSERT_TRUE(file.error().mark());
  EXPECT_EQ(file.error().mark()->line, 3U);
  EXPECT_EQ(file.error().mark()->column, 3U);
}

}  // namespace
}  // namespace consort::build
