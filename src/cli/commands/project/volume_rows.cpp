#include "cli/commands/project/volume_rows.hpp"

#include "cli/render/terminal.hpp"

namespace consort::cli {

Result<int> print_volume_rows(const Invocation& invocation, const std::vector<FormatRow>& rows,
                              const FormatRow& heads) {
  if (invocation.flags.on("quiet")) {
    for (const FormatRow& row : rows)
      for (const FormatField& field : row)
        if (field.name == "Name") print_out(field.value + "\n");
    return 0;
  }
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, {"Driver", "Name"}, heads)));
  return 0;
}

}  // namespace consort::cli
