// What the image of consort-wait is made of.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "kube/session.hpp"

namespace consort::kube {

inline constexpr const char* wait_program = "consort-wait";

// A tar of the one program, to be read from its beginning.
Result<Fd> pack_wait_program(const std::string& path);

// The image with which pods of the project wait on the cluster now; "" if none does.
Result<std::string> wait_image_there(Session& session);

}  // namespace consort::kube
