#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

Result<int> run_export_kubernetes(Invocation& invocation);
Result<int> run_internal_kubernetes_reference(Invocation& invocation);

}  // namespace consort::cli
