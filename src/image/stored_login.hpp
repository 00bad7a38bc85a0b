// Reads a user's stored login for a registry, so that another program can pull on the user's behalf.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "image/transfer.hpp"

namespace consort::image {

// nullopt: none, or an identity token, which only works for the client that it was issued to.
Result<std::optional<Login>> stored_login(const std::string& registry, const RegistryOptions& options,
                                          const std::stop_token& cancel = {});

}  // namespace consort::image
