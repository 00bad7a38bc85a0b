// What a user has stored of a registry, for somebody else who is to pull in his place.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "image/transfer.hpp"

namespace consort::image {

// nullopt: nothing, or an identity token, which is of use to who gave it alone.
Result<std::optional<Login>> stored_login(const std::string& registry, const RegistryOptions& options,
                                          const std::stop_token& cancel = {});

}  // namespace consort::image
