// Objects as YAML for people to read and for kubectl to apply.
#include "compose/node.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

compose::Node node_of(const Json& value) {
  using compose::Node;
  if (value.is_object()) {
    Node made = Node::make_mapping();
    for (const auto& [key, each] : value.items()) made.set(key, node_of(each));
    return made;
  }
  if (value.is_array()) {
    Node made = Node::make_sequence();
    for (const Json& each : value) made.items.push_back(node_of(each));
    return made;
  }
  if (value.is_boolean()) return Node::make_boolean(value.get<bool>());
  if (value.is_number_integer()) return Node::make_integer(value.get<std::int64_t>());
  if (value.is_number()) return Node::make_floating(value.get<double>());
  return value.is_string() ? Node::make_string(value.get<std::string>()) : Node::make_null();
}

}  // namespace

Result<std::string> manifests_yaml(const std::vector<Object>& objects) {
  std::string text;
  for (const Object& object : objects) {
    const Json value = TRY(parse_json(object.json, object.kind + " " + object.name));
    text += "---\n" + compose::render_yaml(node_of(value));
  }
  return text;
}

}  // namespace consort::kube
