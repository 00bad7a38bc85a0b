// Go's text/template over JSON, as used by `docker inspect --format`: fields ({{.State.Status}}), variables, if, else,
// range, with, pipelines, and the common functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace consort::cli {

// Code::invalid with the position of a syntax error, or with the name of a field that does not exist (but "<no value>"
// in a map with user-defined keys).
Result<std::string> run_template(std::string_view text, const Json& data);

}  // namespace consort::cli
