// A registry's refusal: its code and text for decisions, and as an Error.
#pragma once

#include <string>

#include "base/error.hpp"
#include "image/http/http.hpp"

namespace consort::image {

struct Refusal {
  int status = 0;
  std::string code;  // as the distribution specification defines it: "MANIFEST_UNKNOWN"; "" if none
  std::string text;  // for people: "manifest unknown: manifest unknown", as Docker prints it, or "HTTP status 502"
};
Refusal refusal_of(const HttpResponse& response);

// The error's code follows from the HTTP status.
Error registry_error(const HttpResponse& response, const std::string& what, const std::string& object);

// A hint: the registry redirects `what` ("downloads") to another host, and that host refuses.
std::string refused_elsewhere(const std::string& registry, const std::string& what, const std::string& other);

// "consort login HOST".
std::string login_command(const std::string& registry);

}  // namespace consort::image
