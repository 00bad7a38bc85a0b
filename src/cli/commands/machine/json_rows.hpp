// Converts JSON objects to rows for --format, and prints the output of inspect commands.
#pragma once

#include "base/json.hpp"
#include "cli/render/template.hpp"

namespace consort::cli {

FormatRow as_row(const Json& object);
// format: --format of an inspect command: "" = indented JSON, json, or a template for each object.
Result<> print_inspected(const Json& array, const std::string& format, const std::string& first_column);

}  // namespace consort::cli
