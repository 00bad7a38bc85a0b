// What the manifest of an artifact says of its files, before they are fetched.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/documents.hpp"
#include "image/registry/manifest.hpp"

namespace consort::image {

struct DescribedDocuments {
  Documents documents;  // all but contents
  Descriptor config;
  std::vector<Descriptor> layers;  // as many as documents.layers
};

// nullopt: an index, as of images, which has none. Of hostile origin: Code::invalid for what is no manifest.
Result<std::optional<DescribedDocuments>> describe_documents(std::string_view body, const std::string& content_type,
                                                             const std::string& name);

}  // namespace consort::image
