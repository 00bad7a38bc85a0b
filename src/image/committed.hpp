// A commit that says what it was made of, as Docker's images do: what older versions of Docker's API show of it.
#pragma once

#include <string>

#include "image/transfer.hpp"

namespace consort::image {

struct CommittedContainer {
  std::string id;
  std::string config;  // JSON, in the words of Docker's API
};

// As commit_container() without the last one, which is written into the image's configuration. An image that begins
// with this one does not have it: parse_config() does not read it.
Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options, const CommittedContainer& container);

}  // namespace consort::image
