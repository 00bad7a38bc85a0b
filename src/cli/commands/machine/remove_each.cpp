#include "cli/commands/machine/remove_each.hpp"

namespace consort::cli {

int remove_each(const Invocation& invocation, const std::function<Result<bool>(const std::string& name)>& remove) {
  int status = 0;
  for (const std::string& name : invocation.arguments) {
    const Result<bool> removed = invocation.dry_run ? true : remove(name);
    if (!removed) {
      print_error(invocation, removed.error());
      status = 1;
    } else if (*removed) {
      print_out(name + "\n");
    }
  }
  return status;
}

}  // namespace consort::cli
