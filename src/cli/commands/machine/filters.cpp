#include "cli/commands/machine/filters.hpp"

#include <algorithm>

namespace consort::cli {

Result<Filters> filters_of(const ParsedFlags& flags, std::span<const std::string_view> known) {
  Filters filters;
  for (const std::string& filter : flags.list("filter")) {
    const std::size_t equals = filter.find('=');
    if (equals == std::string::npos) return fail(Code::invalid, "invalid filter: " + filter + " (expected KEY=VALUE)");
    const std::string key = filter.substr(0, equals);
    if (std::ranges::find(known, key) == known.end()) return fail(Code::invalid, "invalid filter '" + key + "'");
    filters[key].push_back(filter.substr(equals + 1));
  }
  return filters;
}

bool passes(const Filters& filters, std::string_view key, const std::string& text) {
  const auto found = filters.find(key);
  return found == filters.end() ||
         std::ranges::any_of(found->second, [&](const std::string& wanted) { return text.contains(wanted); });
}

bool passes_labels(const Filters& filters, const std::map<std::string, std::string>& labels) {
  const auto found = filters.find("label");
  if (found == filters.end()) return true;
  return std::ranges::all_of(found->second, [&](const std::string& wanted) {
    const std::size_t equals = wanted.find('=');
    const auto label = labels.find(wanted.substr(0, equals));
    return label != labels.end() && (equals == std::string::npos || label->second == wanted.substr(equals + 1));
  });
}

std::map<std::string, std::string> pairs_of(const std::vector<std::string>& entries) {
  std::map<std::string, std::string> pairs;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    pairs[entry.substr(0, equals)] = equals == std::string::npos ? "" : entry.substr(equals + 1);
  }
  return pairs;
}

std::string text_of_pairs(const std::map<std::string, std::string>& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) text += (text.empty() ? "" : ",") + key + "=" + value;
  return text;
}

}  // namespace consort::cli
