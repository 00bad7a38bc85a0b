// A commit that records the container it was made from, as Docker's images do; older versions of the API show it.
#pragma once

#include <string>

#include "image/transfer.hpp"

namespace consort::image {

struct CommittedContainer {
  std::string id;
  std::string config;  // JSON, with the field names of Docker's API
};

// As commit_container() without the last argument, which is written into the image's configuration. Images built on
// this one do not inherit it: parse_config() ignores it.
Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options, const CommittedContainer& container);

}  // namespace consort::image
