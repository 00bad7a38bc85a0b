// Every case in differential-cases/ must give the files and the configuration that `docker build` gave when it was
// recorded (see record-differential), or fail as it did.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cases.hpp"
#include "snapshot.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::has_section;
using test::read_case;
using test::Section;
using test::section;
using test::World;

void make_context(World& world, const std::vector<Section>& sections, const std::string& directory) {
  std::vector<std::pair<std::string, mode_t>> modes;
  for (const auto& [words, body] : sections) {
    const std::string& kind = words[1];
    if (words[0] != "---" || kind == "options" || kind == "differs") continue;
    const std::string path = directory + "/" + (words.size() > 2 ? replace_all(words[2], "%20", " ") : "Dockerfile");
    ASSERT_TRUE(make_directories(dir_name(path)));
    if (kind == "link") {
      ASSERT_EQ(::symlink(words[3].c_str(), path.c_str()), 0);
    } else if (kind == "archive") {
      const auto made = test::run_script(test::data_file("make-archive"), {"KIND=" + words[3], "OUT=" + path});
      ASSERT_TRUE(made) << made.error().message();
    } else {
      if (kind == "folder") {
        ASSERT_TRUE(make_directories(path));
      } else {
        world.write(path, body);
      }
      modes.emplace_back(path, words.size() > 3 ? std::stoul(words[3], nullptr, 8) : 0644);
    }
  }
  for (const auto& [path, mode] : modes) ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

BuildRequest request_of(const std::vector<Section>& sections, const std::string& directory) {
  BuildRequest request;
  request.context = directory;
  request.tags = {"case:1"};
  for (const auto& part : sections) {
    if (part.words[1] != "options") continue;
    for (std::size_t i = 2; i + 1 < part.words.size(); i += 2) {
      const std::string& value = part.words[i + 1];
      const auto equals = value.find('=');
      if (part.words[i] == "--target") request.target = value;
      if (part.words[i] == "--build-arg") request.args[value.substr(0, equals)] = value.substr(equals + 1);
      if (part.words[i] == "--label") request.labels[value.substr(0, equals)] = value.substr(equals + 1);
    }
  }
  return request;
}

std::map<std::string, std::string> by_path(const std::string& listing) {
  std::map<std::string, std::string> lines;
  for (const auto& line : split(listing, '\n')) {
    const auto slash = line.find(" /");
    if (slash == std::string::npos) continue;
    const auto end = std::min(line.find(" -> "), line.size());
    std::string path = line.substr(slash + 1, end - slash - 1);
    if (line.starts_with('f')) path = path.substr(0, path.rfind(' ', path.rfind(' ') - 1));
    if (line.starts_with('c') || line.starts_with('b')) path = path.substr(0, path.rfind(' '));
    lines[path] = line;
  }
  return lines;
}

// busybox differs between releases of Debian, so its size and digest are not compared.
std::string without_busybox(const std::string& listing, const std::string& base) {
  const std::string_view of = "/bin/busybox ";
  const auto line = base.find(of);
  if (line == std::string::npos) return listing;
  const auto begin = line + of.size();
  return replace_all(listing, base.substr(begin, base.find('\n', begin) - begin), "the machine's busybox");
}

std::string difference(const std::string& base, const std::string& now) {
  const auto before = by_path(base);
  const auto after = by_path(now);
  std::vector<std::string> lines;
  for (const auto& [path, line] : after) {
    const auto old = before.find(path);
    if (old == before.end() || old->second != line) lines.push_back(line);
  }
  for (const auto& [path, line] : before) {
    if (!after.contains(path)) lines.push_back("- " + path);
  }
  std::ranges::sort(lines);
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

// In some messages, Docker names a reference and a digest of its own.
std::string normal_error(std::string text) {
  const auto at = text.find(" of ref ");
  if (at != std::string::npos) text.erase(at, text.find(": ", at) - at);
  if (const auto merged = text.find("/var/lib/docker/"); merged != std::string::npos)
    text.erase(merged, text.find("/merged", merged) + 7 - merged);
  return std::string(trim(replace_all(text, "failed to compute cache key: ", "")));
}

nlohmann::json json_of(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, false);
}

TEST(Differential, EveryCaseGivesWhatDockerGave) {
  std::string why;
  const auto world = World::make(why);
  if (!world) GTEST_SKIP() << why;
  const auto base = describe_files(world->store(), *world->store().find("bb:1"));
  ASSERT_TRUE(base) << base.error().message();
  const char* only = ::getenv("CONSORT_CASE");
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(test::data_file("differential-cases"))) {
    const std::string name = file.path().stem();
    if (only && name != only) continue;
    SCOPED_TRACE(name);
    ++count;
    const auto sections = read_case(file.path());
    const std::string directory = world->new_directory();
    make_context(*world, sections, directory);
    const auto built = world->build(request_of(sections, directory));
    const std::string expected_error = section(sections, "error");
    if (!expected_error.empty()) {
      if (built) {
        ADD_FAILURE() << "built, but should have failed: " << expected_error;
      } else if (!has_section(sections, "differs")) {
        EXPECT_EQ(normal_error(built.error().message()), normal_error(expected_error));
      }
      continue;
    }
    if (!built) {
      ADD_FAILURE() << built.error().message() << "\n" << world->output;
      continue;
    }
    const auto image = world->store().find(built->image_id);
    const auto files = describe_files(world->store(), *image);
    ASSERT_TRUE(files) << files.error().message();
    const bool scratch = section(sections, "dockerfile").starts_with("FROM scratch");
    EXPECT_EQ(without_busybox(difference(scratch ? "" : *base, *files), *base), section(sections, "files"));
    const auto config = describe_config(world->store(), *image);
    ASSERT_TRUE(config) << config.error().message();
    EXPECT_EQ(json_of(*config).dump(1), json_of(section(sections, "config")).dump(1));
  }
  EXPECT_TRUE(only || count >= 120) << "only " << count << " cases";
}

}  // namespace
}  // namespace consort::build
