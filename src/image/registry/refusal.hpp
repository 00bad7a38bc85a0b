// What a registry says when it does not do what it was asked for: for branching, and as an Error.
#pragma once

#include <string>

#include "base/error.hpp"
#include "image/http/http.hpp"

namespace consort::image {

struct Refusal {
  int status = 0;
  std::string code;  // of the distribution specification: "MANIFEST_UNKNOWN"; "" if it gives none
  std::string text;  // for people: "manifest unknown: manifest unknown", as Docker prints it, or "HTTP status 502"
};
Refusal refusal_of(const HttpResponse& response);

// Code by status.
Error registry_error(const HttpResponse& response, const std::string& what, const std::string& object);

// A hint: the registry sends `what` ("downloads") to another host, and that one refuses.
std::string refused_elsewhere(const std::string& registry, const std::string& what, const std::string& other);

// "consort login HOST".
std::string login_command(const std::string& registry);

}  // namespace consort::image
