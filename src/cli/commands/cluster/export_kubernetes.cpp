// The project as objects of Kubernetes, without a cluster.
#include "cli/commands/cluster/export_kubernetes.hpp"

#include "base/os/file.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/workspace.hpp"
#include "kube/attributes.hpp"

namespace consort::cli {

Result<int> run_export_kubernetes(Invocation& invocation) {
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  const kube::Manifests manifests =
      TRY(manifests_for(invocation, project, {.images = {}, .registry = invocation.globals.text("registry")}));
  const std::string text = TRY(kube::manifests_yaml(manifests.objects));
  if (!invocation.flags.has("output")) {
    print_out(text);
    return 0;
  }
  TRY(write_file_atomic(invocation.flags.text("output"), text));
  return 0;
}

Result<int> run_internal_kubernetes_reference(Invocation&) {
  print_out(kube::attributes_markdown());
  return 0;
}

}  // namespace consort::cli
