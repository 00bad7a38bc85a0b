#include "cases.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::build::test {

std::vector<Section> read_case(const std::string& path) {
  std::vector<Section> sections;
  const auto text = read_file(path);
  std::size_t pos = 0;
  while (text && pos < text->size()) {
    auto end = text->find('\n', pos);
    end = end == std::string::npos ? text->size() : end + 1;
    const std::string line = text->substr(pos, end - pos);
    pos = end;
    if (line.starts_with("--- ") || line.starts_with("=== ")) {
      sections.push_back({split(line.substr(0, line.size() - 1), ' '), {}});
    } else if (!sections.empty()) {
      sections.back().body += line;
    }
  }
  return sections;
}

std::string section(const std::vector<Section>& sections, const std::string& name) {
  for (const auto& part : sections) {
    if (part.words[1] == name) return part.body;
  }
  return {};
}

bool has_section(const std::vector<Section>& sections, const std::string& name) {
  return std::ranges::any_of(sections, [&](const Section& part) { return part.words[1] == name; });
}

}  // namespace consort::build::test
