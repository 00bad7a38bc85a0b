// Builds for several platforms, and with several names at once.
#include <elf.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "snapshot.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::World;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::string host = image::Platform::host().text();
const image::Platform s390x{"linux", "s390x", ""};

class PlatformBuilds : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    world_ = World::make(why);
    if (!world_) GTEST_SKIP() << why;
  }
  BuildRequest request(const std::string& dockerfile) {
    BuildRequest result;
    result.context = world_->new_directory();
    world_->write(result.context + "/Dockerfile", dockerfile);
    result.platforms = {"linux/s390x", host};
    result.tags = {"app:1"};
    return result;
  }
  std::string files_for(const image::Platform& platform) {
    const auto image = world_->store().find("app:1", platform);
    return image ? describe_files(world_->store(), *image).value() : image.error().message();
  }
  std::string content_for(const image::Platform& platform, const std::string& file) {
    const auto image = world_->store().find("app:1", platform);
    if (!image) return image.error().message();
    return read_file(world_->store().layer_paths(*image).value().front() + file).value_or("not there");
  }
  std::vector<std::string> shown() const {  // titles of the Dockerfile's steps
    std::vector<std::string> titles = world_->built;
    titles.insert(titles.end(), world_->cached.begin(), world_->cached.end());
    std::erase_if(titles, [](const std::string& title) { return !title.contains("/"); });
    return titles;
  }
  std::unique_ptr<World> world_;
};

TEST_F(PlatformBuilds, TheNameStandsForAllOfThem) {
  auto wanted = request("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /program\n");
  world_->write(wanted.context + "/" + image::Platform::host().architecture, "native");
  world_->write(wanted.context + "/s390x", "foreign");
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(world_->store().find("app:1").value().id, built->image_id);
  EXPECT_EQ(world_->store().find("app:1").value().platform.text(), host);
  EXPECT_EQ(content_for(image::Platform::host(), "/program"), "native");
  EXPECT_EQ(content_for(s390x, "/program"), "foreign");
  EXPECT_EQ(world_->store().config_of(world_->store().find("app:1", s390x).value())->platform.text(), "linux/s390x");
  const auto again = world_->build(wanted);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->image_id, built->image_id);
  EXPECT_EQ(again->steps_cached, 2);
  // A build for a single platform takes the name away from the others.
  wanted.platforms.clear();
  ASSERT_TRUE(world_->build(wanted));
  EXPECT_EQ(world_->store().platforms_of("app:1").value().size(), 1U);
}

constexpr const char* cross_compile =
    "FROM --platform=$BUILDPLATFORM bb:1 AS base\n"
    "RUN echo x >> /once\n"
    "FROM base AS build\n"
    "ARG TARGETPLATFORM BUILDPLATFORM\n"
    "RUN echo \"$BUILDPLATFORM to $TARGETPLATFORM\" > /out\n"
    "FROM scratch\n"
    "COPY --from=build /once /out /\n";

TEST_F(PlatformBuilds, WhatRunsHereIsDoneOnceAndCompilesForEach) {
  for (const CacheUse cache : {CacheUse::normal, CacheUse::ignore}) {
    auto wanted = request(cross_compile);
    wanted.cache = cache;
    const auto built = world_->build(wanted);
    ASSERT_TRUE(built) << built.error().message() << world_->output;
    EXPECT_EQ(content_for(s390x, "/out"), host + " to linux/s390x\n");
    EXPECT_EQ(content_for(image::Platform::host(), "/out"), host + " to " + host + "\n");
    EXPECT_EQ(content_for(s390x, "/once"), "x\n");
    EXPECT_EQ(built->steps_total, 5) << "one RUN for both, then a RUN and a COPY for each";
    EXPECT_THAT(shown(),
                UnorderedElementsAre("[" + host + " internal] load metadata for docker.io/library/bb:1",
                                     "[" + host + " base 1/2] FROM docker.io/library/bb:1",
                                     "[" + host + " base 2/2] RUN echo x >> /once",
                                     "[" + host + " build 1/1] RUN echo \"" + host + " to " + host + "\" > /out",
                                     "[" + host + "->s390x build 1/1] RUN echo \"" + host + " to linux/s390x\" > /out",
                                     "[" + host + " stage-2 1/1] COPY --from=build /once /out /",
                                     "[linux/s390x stage-2 1/1] COPY --from=build /once /out /"));
  }
}

TEST_F(PlatformBuilds, OneFailureStopsAllAndIsToldOnce) {
  const auto wanted = request(
      "FROM --platform=$BUILDPLATFORM bb:1 AS build\nRUN echo so; exit 3\nFROM scratch\nCOPY --from=build /x /\n");
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("exit code: 3"));
  EXPECT_EQ(world_->failures.size(), 1U);
  EXPECT_FALSE(world_->store().find("app:1"));
}

TEST_F(PlatformBuilds, AProgramForAnotherMachineNeedsAnInterpreter) {
  if (path_exists("/proc/sys/fs/binfmt_misc/qemu-s390x")) GTEST_SKIP() << "this machine can run programs for s390x";
  const auto wanted = request("FROM scratch\nCOPY x /x\nRUN [\"/x\"]\n");
  world_->write(wanted.context + "/x", "x");
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), testing::AnyOf(HasSubstr("linux/s390x"), HasSubstr("/x")));
  EXPECT_FALSE(world_->store().find("app:1"));
}

// Equal files must not lead to using the result of another platform's program.
TEST_F(PlatformBuilds, ARunIsNotTakenFromAnotherPlatform) {
  if (path_exists("/proc/sys/fs/binfmt_misc/qemu-s390x")) GTEST_SKIP() << "this machine can run programs for s390x";
  auto wanted = request("FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"touch\", \"/x\"]\n");
  world_->write(wanted.context + "/busybox", read_file("/bin/busybox").value());
  ASSERT_EQ(::chmod((wanted.context + "/busybox").c_str(), 0755), 0);
  wanted.platforms.clear();
  ASSERT_TRUE(world_->build(wanted));
  wanted.platforms = {"linux/s390x"};
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("cannot run programs for linux/s390x"));
}

// A program for arm64: it writes "aarch64" to the file that its argument names.
std::string arm64_program() {
  constexpr std::uint64_t base = 0x400000, headers = 64 + 56;
  const std::array<std::uint32_t, 13> code{0xF9400BE1, 0x92800C60, 0xD2804822, 0xD2803483,
                                           0xD2800708, 0xD4000001,  // fd = openat(AT_FDCWD, argv[1], ...)
                                           0x100000E1, 0xD2800102, 0xD2800808, 0xD4000001,  // write(fd, text, 8)
                                           0xD2800000, 0xD2800BA8, 0xD4000001};             // exit(0)
  const std::string text = "aarch64\n";
  const std::uint64_t size = headers + sizeof code + text.size();
  const Elf64_Ehdr header{.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                          .e_type = ET_EXEC,
                          .e_machine = EM_AARCH64,
                          .e_version = EV_CURRENT,
                          .e_entry = base + headers,
                          .e_phoff = sizeof(Elf64_Ehdr),
                          .e_shoff = 0,
                          .e_flags = 0,
                          .e_ehsize = sizeof(Elf64_Ehdr),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 1,
                          .e_shentsize = 0,
                          .e_shnum = 0,
                          .e_shstrndx = 0};
  const Elf64_Phdr segment{.p_type = PT_LOAD,
                           .p_flags = PF_R | PF_X,
                           .p_offset = 0,
                           .p_vaddr = base,
                           .p_paddr = base,
                           .p_filesz = size,
                           .p_memsz = size,
                           .p_align = 0x1000};
  const auto bytes = [](const auto& value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  return bytes(header) + bytes(segment) + bytes(code) + text;
}

TEST_F(PlatformBuilds, AnInterpreterRunsStepsOfAnotherPlatform) {
  if (!path_exists("/proc/sys/fs/binfmt_misc/qemu-aarch64")) GTEST_SKIP() << "needs qemu-aarch64 in binfmt_misc";
  auto wanted = request("FROM scratch\nCOPY program /program\nRUN [\"/program\", \"/machine\"]\n");
  wanted.platforms = {"linux/arm64"};
  world_->write(wanted.context + "/program", arm64_program());
  ASSERT_EQ(::chmod((wanted.context + "/program").c_str(), 0755), 0);
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message() << world_->output;
  EXPECT_EQ(content_for({"linux", "arm64", ""}, "/machine"), "aarch64\n");
}

TEST_F(PlatformBuilds, AStageIsForThePlatformOfTheStageItBeginsWith) {
  auto wanted = request(
      "FROM --platform=$BUILDPLATFORM bb:1 AS base\nFROM base AS build\nRUN echo x > /out\n"
      "FROM scratch\nCOPY --from=build /out /\n");
  wanted.platforms = {"linux/s390x"};
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(content_for(s390x, "/out"), "x\n");
}

TEST_F(PlatformBuilds, OneBuildGivesSeveralImages) {
  auto wanted = request("FROM bb:1\nRUN echo x > /out\n");
  wanted.platforms.clear();
  wanted.labels = {{"service", "web"}};
  wanted.more_outputs = {{"worker", {"worker:1", "worker:2"}, {{"service", "worker"}}}};
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_EQ(built->steps_total, 1);
  const image::Image web = world_->store().find("app:1").value(), worker = world_->store().find("worker:1").value();
  EXPECT_EQ(web.id, built->image_id);
  EXPECT_NE(web.id, worker.id);
  EXPECT_EQ(world_->store().find("worker:2").value().id, worker.id);
  EXPECT_EQ(world_->store().layer_paths(web).value(), world_->store().layer_paths(worker).value());
  EXPECT_EQ(world_->store().config_of(worker)->labels.at("service"), "worker");
  EXPECT_EQ(std::ranges::count(world_->built, "exporting to image"), 2);
  // Each is up to date on its own.
  auto environment = world_->environment();
  auto alone = wanted;
  alone.more_outputs.clear();
  alone.tags = {"worker:1"};
  alone.labels = {{"service", "worker"}};
  EXPECT_EQ(why_outdated(alone, environment, worker.id).value(), std::nullopt);
}

}  // namespace
}  // namespace consort::build
