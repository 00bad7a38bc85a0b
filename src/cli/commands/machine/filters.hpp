// --filter KEY=VALUE of list and prune commands.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args/flags.hpp"

namespace consort::cli {

using Filters = std::map<std::string, std::vector<std::string>, std::less<>>;

// Fails with Docker's message for an unknown key.
Result<Filters> filters_of(const ParsedFlags& flags, std::span<const std::string_view> known);

// True if there is no filter with this key, or one whose value is contained in the text.
bool passes(const Filters& filters, std::string_view key, const std::string& text);
// "label": all filters KEY or KEY=VALUE match.
bool passes_labels(const Filters& filters, const std::map<std::string, std::string>& labels);

// "KEY=VALUE", or KEY alone with an empty value.
std::map<std::string, std::string> pairs_of(const std::vector<std::string>& entries);
// "KEY=VALUE,KEY=VALUE", the format of labels in lists.
std::string text_of_pairs(const std::map<std::string, std::string>& pairs);

}  // namespace consort::cli
