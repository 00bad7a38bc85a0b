// The tree that YAML is parsed into; it keeps the position of every key and value. Passes (interpolation, merge,
// validation, ...) work on this tree; extensions (x-*) and other free-form data reach the model unchanged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace consort::compose {

// The position of a node: an index into the list of sources (0 = created by the program, no position), line and column
// from 1 in code points. Small, because every node has one; Sources::mark() turns it into a Mark.
struct Place {
  std::uint32_t source = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 0;

  explicit operator bool() const { return line != 0; }
};

enum class Kind : std::uint8_t { null, boolean, integer, floating, string, timestamp, sequence, mapping };
enum class Style : std::uint8_t { plain, single_quoted, double_quoted, literal, folded, block, flow };
enum class Directive : std::uint8_t { none, reset, override_ };  // the tags !reset and !override

struct Entry;

// The entries of a mapping in file order. A long list has an index of its keys, so that a lookup costs the same in a
// mapping of 40,000 keys as in one of four. Values may be changed through the iterators, but keys must not.
class Entries {
 public:
  Entries();
  Entries(const Entries&);
  Entries(Entries&&) noexcept;
  Entries& operator=(const Entries&);
  Entries& operator=(Entries&&) noexcept;
  ~Entries();

  using iterator = std::vector<Entry>::iterator;
  using const_iterator = std::vector<Entry>::const_iterator;
  std::size_t size() const;
  bool empty() const;
  iterator begin();
  iterator end();
  const_iterator begin() const;
  const_iterator end() const;
  Entry& operator[](std::size_t i);
  const Entry& operator[](std::size_t i) const;
  Entry& back();
  const Entry& back() const;

  void reserve(std::size_t size);
  void push_back(Entry entry);
  template <typename Predicate>  // called once for each entry, in order
  std::size_t erase_if(Predicate predicate);
  template <typename Less>
  void stable_sort(Less less);
  // The index of the entry with this key, or size().
  std::size_t find(std::string_view key) const;

 private:
  void reindex();
  void index(std::size_t i);

  std::vector<Entry> list_;
  std::unique_ptr<std::vector<std::uint32_t>> index_;  // open addressing: index + 1, 0 = free; only for long lists
};

struct Node {
  Kind kind = Kind::null;
  Style style = Style::plain;
  Directive directive = Directive::none;
  bool alias_copy = false;  // came from an alias or a merge key
  bool nil = false;         // an empty sequence that is a nil slice in Docker Compose: `null` in JSON, `[]` in YAML
  Place place;
  std::string text;          // for scalars: the text with quotes and escapes resolved
  std::int64_t integer = 0;  // kind integer
  double floating = 0;       // kind floating; also set for integers beyond 64 bits
  bool boolean = false;
  std::vector<Node> items;  // kind sequence
  Entries entries;          // kind mapping, in file order; keys are unique

  Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();

  static Node make_null(Place place = {});
  static Node make_string(std::string text, Place place = {});
  static Node make_boolean(bool value, Place place = {});
  static Node make_integer(std::int64_t value, Place place = {});
  static Node make_floating(double value, Place place = {});
  static Node make_sequence(Place place = {});
  static Node make_mapping(Place place = {});

  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_mapping() const { return kind == Kind::mapping; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_scalar() const { return !is_mapping() && !is_sequence(); }

  const Node* find(std::string_view key) const;  // null if absent or not a mapping
  Node* find(std::string_view key);
  const Entry* entry(std::string_view key) const;
  Entry* entry(std::string_view key);
  Node& set(std::string_view key, Node value, Place key_place = {});  // replaces or appends
  bool erase(std::string_view key);

  // The scalar as Go's fmt.Sprint prints the decoded value: 1.10 -> "1.1", true -> "true", null -> "".
  std::string scalar_text() const;
  // Whether it is an integer from 2^63 to 2^64 - 1; these are stored as floating point, and their text keeps the
  // digits.
  bool is_large_whole() const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Node value;
};

inline std::size_t Entries::size() const {
  return list_.size();
}
inline bool Entries::empty() const {
  return list_.empty();
}
inline Entries::iterator Entries::begin() {
  return list_.begin();
}
inline Entries::iterator Entries::end() {
  return list_.end();
}
inline Entries::const_iterator Entries::begin() const {
  return list_.begin();
}
inline Entries::const_iterator Entries::end() const {
  return list_.end();
}
inline Entry& Entries::operator[](std::size_t i) {
  return list_[i];
}
inline const Entry& Entries::operator[](std::size_t i) const {
  return list_[i];
}
inline Entry& Entries::back() {
  return list_.back();
}
inline const Entry& Entries::back() const {
  return list_.back();
}
template <typename Predicate>
std::size_t Entries::erase_if(Predicate predicate) {
  const std::size_t gone = std::erase_if(list_, predicate);
  if (gone > 0) reindex();
  return gone;
}
template <typename Less>
void Entries::stable_sort(Less less) {
  std::ranges::stable_sort(list_, less);
  reindex();
}

// Number of values in the tree, including the root.
std::size_t size_of(const Node& node);

// Whether both have the same data, regardless of positions and styles.
bool same_value(const Node& a, const Node& b);

}  // namespace consort::compose
