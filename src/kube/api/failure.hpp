// Turns the API server's error responses into errors.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace consort::kube {

// body: a Status object of the API, or any other text.
Error failure_of(int http_status, std::string_view body);

}  // namespace consort::kube
