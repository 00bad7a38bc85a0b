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
         "Made by `consort internal kubernetes-reference` from the table that the program runs on; do not edit. What "
         "stands for a section stands for all that is below it.\n*Warned*: it is left out, with the file's line in a "
         "warning. *Refused*: the command ends with the file's line. Extensions (`x-*`) are left alone.\n\n" +
         compose::fates_markdown(fates());
}

}  // namespace consort::kube
