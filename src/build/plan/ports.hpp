// The ports of EXPOSE, with their build checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "build/plan/checks.hpp"

namespace consort::build {

// Appends "80/tcp" and so on to `out`.
Result<> expose_ports(const std::string& text, const Range& range, Checks& checks, std::vector<std::string>& out);

}  // namespace consort::build
