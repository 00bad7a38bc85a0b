#include "cli/commands/machine/json_rows.hpp"

#include "base/strings.hpp"
#include "cli/render/go_template.hpp"
#include "cli/render/terminal.hpp"

namespace consort::cli {

FormatRow as_row(const Json& object) {
  FormatRow row;
  for (const auto& [key, value] : object.items()) {
    const std::string json = dump_json(value);
    row.push_back({key, to_upper(key), value.is_string() ? value.get<std::string>() : json, json});
  }
  return row;
}

Result<> print_inspected(const Json& array, const std::string& format, const std::string& first_column) {
  if (format.empty() || format == "json") {
    print_out(escape_html(dump_json(array, format.empty() ? 4 : -1)) + "\n");
    return {};
  }
  if (!format.starts_with("table")) {
    for (const Json& object : array) print_out(TRY(run_template(format, object)) + "\n");
    return {};
  }
  std::vector<FormatRow> rows;
  for (const Json& object : array) rows.push_back(as_row(object));
  if (rows.empty()) return {};
  print_out(TRY(format_rows(format, rows, {first_column}, rows.front())));
  return {};
}

}  // namespace consort::cli
