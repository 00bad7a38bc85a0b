// The table of attributes for docs/reference, from the loader's tables and the recorded cases that use each attribute.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace consort::compose {

// Names of the cases (directories of differential-cases/) whose files use an attribute, by path ("services.*.image").
std::map<std::string, std::vector<std::string>> cases_by_attribute(const std::string& cases_directory);

std::string attributes_markdown(const std::string& cases_directory);

}  // namespace consort::compose
