// Go's text/template over JSON, as `docker inspect --format` takes it: fields ({{.State.Status}}), variables, if, else,
// range, with, pipelines, and the functions that people use there.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace consort::cli {

// Code::invalid with the place of what cannot be read, or names a field that there is not ("<no value>" in a map whose
// keys are the user's own).
Result<std::string> run_template(std::string_view text, const Json& data);

}  // namespace consort::cli
