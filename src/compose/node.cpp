#include "compose/node.hpp"

#include <utility>

#include "base/strings.hpp"
#include "compose/internal/go_format.hpp"

namespace consort::compose {

Node::Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

namespace {
Node make(Kind kind, Place place) {
  Node node;
  node.kind = kind;
  node.place = place;
  return node;
}
}  // namespace

Node Node::make_null(Place place) {
  return make(Kind::null, place);
}
Node Node::make_string(std::string text, Place place) {
  Node node = make(Kind::string, place);
  node.text = std::move(text);
  return node;
}
Node Node::make_boolean(bool value, Place place) {
  Node node = make(Kind::boolean, place);
  node.boolean = value;
  node.text = value ? "true" : "false";
  return node;
}
Node Node::make_integer(std::int64_t value, Place place) {
  Node node = make(Kind::integer, place);
  node.integer = value;
  node.floating = static_cast<double>(value);
  node.text = std::to_string(value);
  return node;
}
Node Node::make_floating(double value, Place place) {
  Node node = make(Kind::floating, place);
  node.floating = value;
  node.text = format_float(value);
  return node;
}
Node Node::make_sequence(Place place) {
  return make(Kind::sequence, place);
}
Node Node::make_mapping(Place place) {
  return make(Kind::mapping, place);
}

const Entry* Node::entry(std::string_view key) const {
  if (kind != Kind::mapping) return nullptr;
  for (const Entry& each : entries) {
    if (each.key == key) return &each;
  }
  return nullptr;
}
Entry* Node::entry(std::string_view key) {
  return const_cast<Entry*>(std::as_const(*this).entry(key));
}

const Node* Node::find(std::string_view key) const {
  const Entry* found = entry(key);
  return found ? &found->value : nullptr;
}
Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

Node& Node::set(std::string_view key, Node value, Place key_place) {
  if (Entry* found = entry(key)) {
    found->value = std::move(value);
    return found->value;
  }
  entries.push_back(Entry{std::string(key), key_place, std::move(value)});
  return entries.back().value;
}

bool Node::erase(std::string_view key) {
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (it->key == key) {
      entries.erase(it);
      return true;
    }
  }
  return false;
}

std::string Node::scalar_text() const {
  switch (kind) {
    case Kind::null:
      return {};
    case Kind::boolean:
      return boolean ? "true" : "false";
    case Kind::integer:
      return std::to_string(integer);
    case Kind::floating:
      return is_large_whole() ? text : format_float(floating);
    default:
      return text;
  }
}

bool Node::is_large_whole() const {
  return kind == Kind::floating && text.size() >= 19 && text.size() < 21 && text[0] != '0' && parse_unsigned(text);
}

bool same_value(const Node& a, const Node& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return a.boolean == b.boolean;
    case Kind::integer:
      return a.integer == b.integer;
    case Kind::floating:
      return a.floating == b.floating;
    case Kind::string:
    case Kind::timestamp:
      return a.text == b.text;
    case Kind::sequence: {
      if (a.items.size() != b.items.size()) return false;
      for (std::size_t i = 0; i < a.items.size(); ++i) {
        if (!same_value(a.items[i], b.items[i])) return false;
      }
      return true;
    }
    case Kind::mapping: {
      if (a.entries.size() != b.entries.size()) return false;
      for (const Entry& each : a.entries) {
        const Node* other = b.find(each.key);
        if (!other || !same_value(each.value, *other)) return false;
      }
      return true;
    }
  }
  return false;
}

}  // namespace consort::compose
