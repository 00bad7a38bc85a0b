// JSON objects as rows for --format, and inspect's output of several.
#pragma once

#include "base/json.hpp"
#include "cli/render/template.hpp"

namespace consort::cli {

FormatRow as_row(const Json& object);
// --format of an inspect: "" = indented JSON, json, or a template for each object.
Result<> print_inspected(const Json& array, const std::string& format, const std::string& first_column);

}  // namespace consort::cli
