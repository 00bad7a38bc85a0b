// The ports of EXPOSE: "80", "80/tcp", "8000-8010/udp"; "127.0.0.1:80:8080" is accepted with a warning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "build/plan/checks.hpp"

namespace consort::build {

// Appends "80/tcp" and so on.
Result<> expose_ports(const std::string& text, const Range& range, Checks& checks, std::vector<std::string>& out);

}  // namespace consort::build
