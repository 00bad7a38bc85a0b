// A project's objects as others keep them: a Kustomize base, a Helm chart. Pure and deterministic.
#pragma once

#include <string>
#include <vector>

#include "kube/manifests.hpp"

namespace consort::kube {

// The first line of each file of objects. What begins with it and is no longer part of a package may be removed.
inline const std::string package_mark = "# Made by consort export kubernetes, each time anew\n";

struct PackagedFile {
  std::string path;  // below the package's directory
  std::string text;
};

// kustomization.yaml, and a file of objects for the project and for each service. Images and replicas can be changed
// by overlays.
Result<std::vector<PackagedFile>> kustomize_base(const Manifests& manifests, const std::string& project);
// Chart.yaml, values.yaml (images, replicas and hosts by service, sizes by volume) and templates. The release's
// namespace is used; names of objects are those of the project.
Result<std::vector<PackagedFile>> helm_chart(const Manifests& manifests, const std::string& project);

}  // namespace consort::kube
