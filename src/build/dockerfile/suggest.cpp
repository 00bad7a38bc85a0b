#include "build/dockerfile/suggest.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/os/files/file.hpp"

namespace consort::build {
namespace {

constexpr std::size_t max_length = 256;

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

constexpr std::size_t max_names = 2000;

}  // namespace

std::optional<std::string> neighbour_of(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto each = std::filesystem::directory_iterator(dir_name(path), error);
       !error && each != std::filesystem::directory_iterator() && names.size() < max_names; each.increment(error))
    names.push_back(each->path().filename());
  std::ranges::sort(names);
  const auto near = suggestion(base_name(path), names);
  return near ? std::optional(join_path(dir_name(path), *near)) : std::nullopt;
}

std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known) {
  if (word.size() > max_length) return std::nullopt;
  std::optional<std::string> best;
  std::size_t least = 3;
  for (const auto& name : known) {
    if (name.empty() || name.size() > max_length || name == word) continue;
    const std::size_t letters = distance(word, name);
    if (letters >= least) continue;
    least = letters;
    best = name;
  }
  return best;
}

}  // namespace consort::build
