#include "kube/attributes.hpp"

namespace consort::kube {

compose::FateTable fates() {
  return {.rows = attributes(), .where = "on Kubernetes", .code = "kubernetes"};
}

const Attribute* attribute_for(std::string_view path, std::string_view value) {
  return compose::fate_of(fates(), path, value);
}

std::vector<compose::Diagnostic> judge(const compose::Project& project) {
  return compose::judge(project, fates());
}

std::string attributes_markdown() {
  return "# A Compose file on Kubernetes\n\n"
         "Made by `consort internal kubernetes-reference` from the table that the program uses; do not edit. A row for "
         "a section applies to everything below it.\n*Warned*: ignored, with a warning that names the line. *Refused*: "
         "an error that names the line. Extensions (`x-*`) are ignored.\n\n" +
         compose::fates_markdown(fates());
}

}  // namespace consort::kube
