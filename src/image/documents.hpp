// Texts at a registry: an OCI artifact whose layers are files as they are, each with a media type and annotations of
// its own, such as the Compose files of a published project. Small by nature: everything is held in memory.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "image/transfer.hpp"

namespace consort::image {

struct Document {
  std::string media_type;
  std::map<std::string, std::string> annotations;
  std::string content;
};

struct Documents {
  std::string artifact_type;  // of the manifest; "" where it has none, as before OCI 1.1
  std::string config_type;    // media type of the configuration
  std::string config;
  std::vector<Document> layers;
  std::map<std::string, std::string> annotations;
};

struct FetchedDocuments {
  Digest manifest;
  Documents documents;
};

inline constexpr std::size_t max_document_bytes = 16 << 20;  // all of them together

// Gives the digest of the manifest. Errors are those of push().
Result<Digest> push_documents(const Reference& reference, const Documents& documents, const RegistryOptions& options,
                              const std::stop_token& cancel = {});
// Sizes and digests are checked. Only the manifest is looked at, and nothing fetched, where `wanted` says no of its
// artifact type and the media type of its configuration: then there are no layers. Errors are those of pull().
using WantedDocuments = bool (*)(const Documents& described);
Result<FetchedDocuments> fetch_documents(const Reference& reference, const RegistryOptions& options,
                                         WantedDocuments wanted, const std::stop_token& cancel = {});

}  // namespace consort::image
