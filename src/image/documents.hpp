// Documents at a registry: an OCI artifact whose layers are plain files, each with its own media type and annotations,
// such as the Compose files of a published project. They are small, so everything is held in memory.
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
  std::string artifact_type;  // of the manifest; "" if it has none, as before OCI 1.1
  std::string config_type;    // media type of the configuration
  std::string config;
  std::vector<Document> layers;
  std::map<std::string, std::string> annotations;
};

struct FetchedDocuments {
  Digest manifest;
  Documents documents;
};

inline constexpr std::size_t max_document_bytes = 16 << 20;  // total size

// Returns the digest of the manifest. Errors are those of push().
Result<Digest> push_documents(const Reference& reference, const Documents& documents, const RegistryOptions& options,
                              const std::stop_token& cancel = {});
// Checks sizes and digests. If `wanted` rejects the artifact type and the configuration's media type, only the manifest
// is read and no layers are fetched or returned. Errors are those of pull().
using WantedDocuments = bool (*)(const Documents& described);
Result<FetchedDocuments> fetch_documents(const Reference& reference, const RegistryOptions& options,
                                         WantedDocuments wanted, const std::stop_token& cancel = {});

}  // namespace consort::image
