// export kubernetes: writes the project as Kubernetes objects, without a cluster.
#include "base/os/files/file.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/export/export.hpp"
#include "cli/commands/export/former_files.hpp"
#include "cli/workspace.hpp"
#include "kube/attributes.hpp"
#include "kube/packages.hpp"

namespace consort::cli {

namespace {

// The package needs a directory of its own: any other file in there would be taken for a part of it.
Result<int> write_package(const Invocation& invocation, const kube::Manifests& manifests,
                          const std::vector<kube::PackagedFile>& package) {
  const std::string directory = invocation.flags.text("output");
  if (directory.empty())
    return fail(Error(Code::invalid, "this format needs a directory").hint("use --output DIRECTORY"));
  std::vector<ExportedFile> files;
  for (const kube::PackagedFile& file : package) files.push_back({file.path, file.text});
  TRY(write_exported(directory, files, 0755));
  TRY(remove_former_files(directory, files, directories_of(files), [](const std::string& path) {
    const auto text = path.ends_with(".yaml") ? read_file(path) : Result<std::string>();
    return text && text->starts_with(kube::package_mark);
  }));
  TRY(write_left_out(join_path(directory, "left-out.txt"), manifests.notes));
  return 0;
}

}  // namespace

Result<int> run_export_kubernetes(Invocation& invocation) {
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  const kube::Manifests manifests =
      TRY(manifests_for(invocation, project, {.images = {}, .registry = invocation.globals.text("registry")}));
  const std::string format = invocation.flags.text("format", "manifests");
  if (format == "kustomize")
    return write_package(invocation, manifests, TRY(kube::kustomize_base(manifests, project.name)));
  if (format == "helm") return write_package(invocation, manifests, TRY(kube::helm_chart(manifests, project.name)));
  if (format != "manifests")
    return fail(Error(Code::invalid, "unsupported format \"" + format + "\"").hint("use manifests, kustomize or helm"));
  const std::string text = TRY(kube::manifests_yaml(manifests.objects));
  if (!invocation.flags.has("output")) {
    print_out(text);
    return 0;
  }
  const std::string path = invocation.flags.text("output");
  TRY(write_file_atomic(path, text));
  TRY(write_left_out(path + ".left-out.txt", manifests.notes));
  return 0;
}

Result<int> run_internal_kubernetes_reference(Invocation&) {
  print_out(kube::attributes_markdown());
  return 0;
}

}  // namespace consort::cli
