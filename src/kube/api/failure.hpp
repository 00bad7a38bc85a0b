// What the server says when it does not do something.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace consort::kube {

// body: a Status object, as the API gives it, or anything.
Error failure_of(int http_status, std::string_view body);

}  // namespace consort::kube
