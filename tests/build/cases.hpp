// Parses the text files with sections in differential-cases/ and check-cases/.
#pragma once

#include <string>
#include <vector>

namespace consort::build::test {

struct Section {
  std::vector<std::string> words;  // "---", "file", "a.txt", "644"
  std::string body;
};
std::vector<Section> read_case(const std::string& path);

std::string section(const std::vector<Section>& sections, const std::string& name);  // "" if missing
bool has_section(const std::vector<Section>& sections, const std::string& name);

}  // namespace consort::build::test
