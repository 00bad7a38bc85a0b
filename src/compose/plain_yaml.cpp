#include "compose/plain_yaml.hpp"

#include "compose/yaml/parser.hpp"

namespace consort::compose {

Result<Node> parse_plain_yaml(std::string_view text, const std::string& source) {
  if (text.size() > yaml::text_limit) return fail(Error(Code::invalid, "read").on(source).why("it is too large"));
  yaml::Documents documents = yaml::parse(text, 0);
  if (documents.problem)
    return fail(Error(Code::invalid, "read")
                    .on(source)
                    .why("line " + std::to_string(documents.problem->at.line) + ": " + documents.problem->problem));
  if (documents.roots.empty()) return Node::make_null();
  return std::move(documents.roots.front());
}

}  // namespace consort::compose
