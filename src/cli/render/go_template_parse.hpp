// The parser for templates, used by go_template.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::cli::go_template {

struct Pipeline;

// One operand: `.A.B`, `$x.A`, "text", 12, true, nil, a function name, or a pipeline in parentheses followed by fields.
struct Term {
  enum class Kind : std::uint8_t { dot, variable, text, number, boolean, nil, function, group } kind = Kind::dot;
  std::string text;                 // for text, number, variable ("$", "$x") and function
  bool truth = false;               // for boolean
  std::vector<std::string> fields;  // after a dot, a variable or a group
  std::shared_ptr<Pipeline> group;
};
using Command = std::vector<Term>;  // a function and its arguments, or one operand

struct Pipeline {
  std::vector<std::string> variables;  // "$x :=", "$i, $e := range"
  std::vector<Command> commands;
};

struct Node {
  enum class Kind : std::uint8_t { text, print, if_, range, with } kind = Kind::text;
  std::string text;
  Pipeline pipeline;
  std::vector<Node> body, otherwise;
};

Result<std::vector<Node>> parse(std::string_view text);

}  // namespace consort::cli::go_template
