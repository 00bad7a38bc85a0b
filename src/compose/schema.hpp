// The schema of Compose files: one shape for every attribute. Validation, "did you mean", help texts and the attribute
// table of the documentation are all based on these tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace consort::compose {

// Accepted types, as a bit set.
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
  checked_name,   // entries with other keys are ignored rather than checked, as in Docker Compose
  lower_letters,  // likewise
};

struct Shape;

struct Field {
  std::string_view key;
  const Shape* shape;
  std::string_view note = {};
  std::string_view since = "0.1";  // the first release that supports it
};

struct Shape {
  std::string_view name;  // for messages: "duration", "list or mapping"
  unsigned types = type::any;
  std::string_view example = {};       // a valid value
  const Shape* item = nullptr;         // for sequences
  bool unique = false;                 // for sequences
  std::span<const Field> fields = {};  // for mappings with fixed keys
  const Shape* value = nullptr;        // for mappings with free keys
  KeyRule keys = KeyRule::any;
  bool extensions = true;  // x-* in addition to fixed keys
  bool open = false;       // unknown keys are accepted
  std::span<const std::string_view> required = {};
  std::span<const std::string_view> one_of = {};   // exactly one of these keys
  std::span<const std::string_view> choices = {};  // for strings
  bool (*pattern)(std::string_view) = nullptr;
  std::string_view pattern_text = {};
  double minimum = 0;  // checked if minimum < maximum
  double maximum = 0;

  const Field* find(std::string_view key) const;
};

extern const Shape pre_start_hooks;  // a list, based on the service's own fields (schema/hooks.cpp)
extern const Shape job_section;      // likewise, a mapping

// Whether a field of a hook or job is the same as the service's field, so that lists of attributes omit it.
bool told_of_service(const Shape& shape, const Field& field);

const Shape& root_shape();
const Shape& service_shape();
const Shape& build_shape();  // the mapping form

}  // namespace consort::compose
