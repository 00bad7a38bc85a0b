// A project's objects as a package for other tools: a Kustomize base or a Helm chart. Pure and deterministic.
#pragma once

#include <string>
#include <vector>

#include "kube/manifests.hpp"

namespace consort::kube {

// The first line of each file of objects. Files that begin with it and are no longer in the package may be removed.
inline const std::string package_mark = "# Made by consort export kubernetes, each time anew\n";

struct PackagedFile {
  std::string path;  // below the package's directory
  std::string text;
};

// kustomization.yaml, plus a file of objects for the project and for each service. Overlays can change images and
// replicas.
Result<std::vector<PackagedFile>> kustomize_base(const Manifests& manifests, const std::string& project);
// Chart.yaml, values.yaml (images, replicas and hosts by service, sizes by volume) and templates. The release's
// namespace is used; names of objects are those of the project.
Result<std::vector<PackagedFile>> helm_chart(const Manifests& manifests, const std::string& project);

}  // namespace consort::kube
