#include "cli/commands/machine/prune_output.hpp"

#include "base/time.hpp"
#include "cli/render/confirm.hpp"

namespace consort::cli {

engine::PruneMode prune_mode(const Invocation& invocation) {
  return invocation.dry_run ? engine::PruneMode::plan : engine::PruneMode::act;
}

bool confirm_prune(const Invocation& invocation, const std::string& warning) {
  return invocation.dry_run || invocation.flags.on("force") ||
         confirm(invocation.terminal, "WARNING! " + warning + "\nAre you sure you want to continue?", Answer::no);
}

bool print_pruned(const Invocation& invocation, const std::string& what, PrunedBy by, const engine::Pruned& pruned) {
  std::string deleted;
  for (const engine::Pruned::Item& item : pruned.items) {
    if (invocation.dry_run)
      print_out("Would remove: " + item.name + "\n");
    else
      deleted += (by == PrunedBy::id ? item.id : item.name) + "\n";
  }
  if (!deleted.empty()) print_out("Deleted " + what + ":\n" + deleted + "\n");
  for (const Error& error : pruned.failed) print_error(invocation, error);
  return pruned.failed.empty();
}

void print_reclaimed(const Invocation& invocation, std::uint64_t bytes) {
  print_out((invocation.dry_run ? "Would reclaim: " : "Total reclaimed space: ") + human_bytes_decimal(bytes) + "\n");
}

}  // namespace consort::cli
