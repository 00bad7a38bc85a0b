// What a Compose file may hold: one shape for every attribute. Validation, "did you mean", the help texts and the table
// of attributes in the documentation all come from these tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace consort::compose {

// Accepted types, a set.
namespace type {
inline constexpr unsigned string = 1;
inline constexpr unsigned integer = 2;
inline constexpr unsigned number = 4;
inline constexpr unsigned boolean = 8;
inline constexpr unsigned null = 16;
inline constexpr unsigned sequence = 32;
inline constexpr unsigned mapping = 64;
inline constexpr unsigned any = 128;
}  // namespace type

enum class KeyRule : std::uint8_t {
  any,
  not_empty,
  resource_name,
  checked_name,   // what has no such name passes unseen, as in the original
  lower_letters,  // likewise
};

struct Shape;

struct Field {
  std::string_view key;
  const Shape* shape;
  std::string_view note = {};
  std::string_view since = "0.1";  // the first release that knows it
};

struct Shape {
  std::string_view name;  // as people say it: "duration", "list or mapping"
  unsigned types = type::any;
  std::string_view example = {};       // a value that would be right
  const Shape* item = nullptr;         // of sequences
  bool unique = false;                 // of sequences
  std::span<const Field> fields = {};  // of mappings with fixed keys
  const Shape* value = nullptr;        // of mappings with free keys
  KeyRule keys = KeyRule::any;
  bool extensions = true;  // x-* besides fixed keys
  bool open = false;       // unknown keys pass
  std::span<const std::string_view> required = {};
  std::span<const std::string_view> one_of = {};   // exactly one of these keys
  std::span<const std::string_view> choices = {};  // of strings
  bool (*pattern)(std::string_view) = nullptr;
  std::string_view pattern_text = {};
  double minimum = 0;  // checked when minimum < maximum
  double maximum = 0;

  const Field* find(std::string_view key) const;
};

extern const Shape pre_start_hooks;  // a list of them; made of the service's own fields (schema/hooks.cpp)
extern const Shape job_section;      // likewise, a mapping

// Whether it is the field of a hook or job that a service has as well: lists of what there is tell it once.
bool told_of_service(const Shape& shape, const Field& field);

const Shape& root_shape();
const Shape& service_shape();
const Shape& build_shape();  // the mapping form

}  // namespace consort::compose
