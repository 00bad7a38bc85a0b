// Builds the image of consort-wait.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "kube/session.hpp"

namespace consort::kube {

inline constexpr const char* wait_program = "consort-wait";

// Returns a tar with the program only, positioned at its beginning.
Result<Fd> pack_wait_program(const std::string& path);

// The image that the project's pods on the cluster wait with now; "" if none does.
Result<std::string> wait_image_there(Session& session);

}  // namespace consort::kube
