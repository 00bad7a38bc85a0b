// Replays Docker Compose 2.40.3's answers for each directory of differential-cases/ (see the script `differential`).
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "run_config.hpp"

namespace consort::compose {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  auto text = read_file(path);
  return text ? *text : std::string();
}

class Differential : public testing::TestWithParam<std::string> {};

TEST_P(Differential, SameAnswerAsDockerCompose) {
  const fs::path directory = fs::path(CONSORT_TEST_DATA) / "differential-cases" / GetParam();
  std::vector<std::string> arguments{"config"};
  if (fs::exists(directory / "args")) {
    arguments.clear();
    for (const std::string& word : split(trim(slurp(directory / "args")), ' ')) {
      if (!word.empty()) arguments.push_back(word);
    }
  }
  std::map<std::string, std::string> environment{{"HOME", "/root"}, {"PATH", "/usr/bin:/bin:/usr/local/bin"}};
  for (const std::string& line : split(slurp(directory / "env"), '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) environment[line.substr(0, equals)] = line.substr(equals + 1);
  }
  const ConfigRun run = run_config(arguments, directory, environment);
  std::string out = replace_all(run.out, directory.string(), "@DIR@");
  out = replace_all(out, directory.parent_path().string(), "@PARENT@");
  const std::string expected_status(trim(slurp(directory / "expected.status")));
  EXPECT_EQ(std::to_string(run.status), expected_status) << run.err << "\nDocker Compose said:\n"
                                                         << slurp(directory / "expected.stderr");
  EXPECT_EQ(out, slurp(directory / "expected.stdout"));
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(CONSORT_TEST_DATA) / "differential-cases")) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Cases, Differential, testing::ValuesIn(case_names()), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace consort::compose
