// Parses the "<<EOF" words of a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile/ast.hpp"

namespace consort::build {

// "<<EOF", "<<-'EOF'", "3<<EOF"; nullopt for any other word.
std::optional<Heredoc> parse_heredoc(std::string_view word);
// All here-documents of a line, in the order in which their contents follow.
Result<std::vector<Heredoc>> find_heredocs(std::string_view line);
// For <<-: removes the leading tabs of each line.
std::string strip_leading_tabs(std::string_view content);

}  // namespace consort::build
