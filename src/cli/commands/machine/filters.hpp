// --filter KEY=VALUE of the commands that list or prune.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args/flags.hpp"

namespace consort::cli {

using Filters = std::map<std::string, std::vector<std::string>, std::less<>>;

// Fails with Docker's words for one that is not known.
Result<Filters> filters_of(const ParsedFlags& flags, std::span<const std::string_view> known);

// No filter of that key, or one that is contained in the text.
bool passes(const Filters& filters, std::string_view key, const std::string& text);
// "label": all of KEY or KEY=VALUE are there.
bool passes_labels(const Filters& filters, const std::map<std::string, std::string>& labels);

// "KEY=VALUE", or a KEY alone with an empty value.
std::map<std::string, std::string> pairs_of(const std::vector<std::string>& entries);
// "KEY=VALUE,KEY=VALUE", as labels are listed.
std::string text_of_pairs(const std::map<std::string, std::string>& pairs);

}  // namespace consort::cli
