// Text formatted like Go's fmt, because image histories contain it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "image/config.hpp"

namespace consort::build {

std::string go_quote(std::string_view text);                     // %q
std::string go_quoted_list(std::span<const std::string> words);  // ["a" "b"]
std::string go_list(std::span<const std::string> words);         // [a b]
std::string go_healthcheck(const image::Healthcheck& check);     // &{["CMD" "x"] "5s" "0s" "0s" "0s" '\x00'}

}  // namespace consort::build
