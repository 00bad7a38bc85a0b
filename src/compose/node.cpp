#include "compose/node.hpp"

#include <utility>

#include "base/strings.hpp"
#include "compose/internal/go_format.hpp"

namespace consort::compose {

namespace {
constexpr std::size_t index_from = 32;  // entries; a linear search is faster in shorter lists
}  // namespace

Entries::Entries() = default;
Entries::Entries(const Entries& other)
    : list_(other.list_),
      index_(other.index_ ? std::make_unique<std::vector<std::uint32_t>>(*other.index_) : nullptr) {}
Entries::Entries(Entries&&) noexcept = default;
Entries& Entries::operator=(const Entries& other) {
  return *this = Entries(other);
}
Entries& Entries::operator=(Entries&&) noexcept = default;
Entries::~Entries() = default;

void Entries::reserve(std::size_t size) {
  list_.reserve(size);
}

void Entries::push_back(Entry entry) {
  list_.push_back(std::move(entry));
  if (index_ && list_.size() * 2 <= index_->size()) return index(list_.size() - 1);
  if (list_.size() > index_from) reindex();
}

void Entries::reindex() {
  index_.reset();
  if (list_.size() <= index_from) return;
  std::size_t slots = index_from * 4;
  while (slots < list_.size() * 4) slots *= 2;
  index_ = std::make_unique<std::vector<std::uint32_t>>(slots);
  for (std::size_t i = 0; i < list_.size(); ++i) index(i);
}

void Entries::index(std::size_t i) {
  const std::size_t mask = index_->size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(list_[i].key) & mask;
  while ((*index_)[slot] != 0) slot = (slot + 1) & mask;
  (*index_)[slot] = static_cast<std::uint32_t>(i + 1);
}

std::size_t Entries::find(std::string_view key) const {
  if (!index_) {
    return static_cast<std::size_t>(std::ranges::find(list_, key, &Entry::key) - list_.begin());
  }
  const std::size_t mask = index_->size() - 1;
  for (std::size_t slot = std::hash<std::string_view>{}(key)&mask; (*index_)[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t i = (*index_)[slot] - 1;
    if (list_[i].key == key) return i;
  }
  return list_.size();
}

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
  const std::size_t i = entries.find(key);
  return i < entries.size() ? &entries[i] : nullptr;
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
  return entries.erase_if([key](const Entry& each) { return each.key == key; }) > 0;
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

std::size_t size_of(const Node& node) {
  std::size_t size = 1;
  for (const Node& item : node.items) size += size_of(item);
  for (const Entry& entry : node.entries) size += size_of(entry.value);
  return size;
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
