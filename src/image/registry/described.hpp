// Reads from an artifact's manifest what files it has, before they are fetched.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/documents.hpp"
#include "image/registry/manifest.hpp"

namespace consort::image {

struct DescribedDocuments {
  Documents documents;  // everything except the contents
  Descriptor config;
  std::vector<Descriptor> layers;  // as many as documents.layers
};

// nullopt for an index, as images have, which describes no files. The input is untrusted: Code::invalid if it is not a
// manifest.
Result<std::optional<DescribedDocuments>> describe_documents(std::string_view body, const std::string& content_type,
                                                             const std::string& name);

}  // namespace consort::image
