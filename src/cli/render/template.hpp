// --format TEMPLATE: the common subset of Go templates for list commands: {{.Field}}, {{json .}}, {{json .Field}},
// {{lower .Field}}, {{upper .Field}}, {{.Label "KEY"}}; "table TEMPLATE" prints columns with headings.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/render/table.hpp"

namespace consort::cli {

struct FormatField {
  std::string name;   // "ID"
  std::string head;   // "CONTAINER ID"
  std::string value;  // as text
  std::string json;   // as JSON; "" = a string
};
using FormatRow = std::vector<FormatField>;

// format: table, json, a template, or "table TEMPLATE". columns: the fields of the plain table.
Result<std::string> format_rows(const std::string& format, const std::vector<FormatRow>& rows,
                                const std::vector<std::string>& columns, const FormatRow& heads);

}  // namespace consort::cli
