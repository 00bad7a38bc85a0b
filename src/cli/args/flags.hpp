// Parses flags as Docker's tools do (the rules of Go's pflag): --name value, --name=value, -n value, -nvalue, -abc for
// booleans, --bool=false, and "--" ends the flags. Flags are declared as constant tables, so that starting the program
// does not have to build them; the same tables generate --help, man pages and shell completions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::cli {

enum class FlagKind : std::uint8_t { boolean, text, list, integer };

struct Flag {
  std::string_view name;  // without dashes
  char shorthand = 0;     // 0: none
  FlagKind kind = FlagKind::boolean;
  std::string_view value;     // placeholder for the value in --help; "" = that of the kind
  std::string_view help;      // one sentence; "" for hidden flags
  std::string_view fallback;  // shown as (default "..."), and returned by text()
  bool hidden = false;
  std::string_view bare = {};  // value of "--name" without "=value"; "": a value is required
};

// Where flags may appear: among the arguments, or only before the first one (run, exec and the program itself).
enum class FlagPlace : std::uint8_t { anywhere, before_arguments };

class ParsedFlags {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  bool on(std::string_view name) const;  // for booleans: given and not "=false", or true by default
  std::string text(std::string_view name, std::string fallback = {}) const;  // the last one given
  std::vector<std::string> list(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  void set(std::string_view name, std::string value) { values_[std::string(name)].push_back(std::move(value)); }
  std::vector<std::string>& operator[](std::string_view name) { return values_[std::string(name)]; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct ParsedArguments {
  ParsedFlags flags;
  std::vector<std::string> arguments;
};

// Fails with Code::invalid and pflag's message ("unknown flag: --foo"), with the nearest flag as a hint.
Result<ParsedArguments> parse_flags(std::span<const Flag> flags, FlagPlace place,
                                    std::span<const std::string> arguments);

}  // namespace consort::cli
