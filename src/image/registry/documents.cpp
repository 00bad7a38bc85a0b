#include "image/documents.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/json.hpp"
#include "image/registry/described.hpp"
#include "image/registry/manifest.hpp"
#include "image/registry/named_manifest.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

Json descriptor_of(const std::string& media_type, const std::string& content,
                   const std::map<std::string, std::string>& annotations) {
  Json json{{"mediaType", media_type}, {"digest", Digest::of(content).text()}, {"size", content.size()}};
  for (const auto& [key, value] : annotations) json["annotations"][key] = value;
  return json;
}

std::string manifest_of(const Documents& documents) {
  Json root{{"schemaVersion", 2}, {"mediaType", media::oci_manifest}};
  if (!documents.artifact_type.empty()) root["artifactType"] = documents.artifact_type;
  root["config"] = descriptor_of(documents.config_type, documents.config, {});
  root["layers"] = Json::array();
  for (const Document& layer : documents.layers)
    root["layers"].push_back(descriptor_of(layer.media_type, layer.content, layer.annotations));
  for (const auto& [key, value] : documents.annotations) root["annotations"][key] = value;
  return dump_json(root, 2);
}

Result<> upload(Registry& registry, const std::string& content) {
  Registry::Upload upload{.digest = Digest::of(content), .size = content.size(), .open = {}, .on_bytes = {}};
  if (TRY(registry.has_blob(upload.digest))) return {};
  upload.open = [&content]() -> Result<ByteSource> {
    return ByteSource([&content, at = std::size_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
      const std::size_t count = std::min(into.size(), content.size() - at);
      std::memcpy(into.data(), content.data() + at, count);
      at += count;
      return count;
    });
  };
  return registry.upload_blob(upload);
}

// The parts that the common manifests omit: types and annotations. Everything else was checked when this was parsed.
std::map<std::string, std::string> annotations_of(const Json& described) {
  std::map<std::string, std::string> notes;
  if (const Json* found = find_key(described, "annotations"); found && found->is_object())
    for (const auto& [key, value] : found->items())
      if (value.is_string()) notes[key] = value.get<std::string>();
  return notes;
}

Result<std::string> read_blob(Registry& registry, const Descriptor& blob, std::size_t& room) {
  if (blob.size > room) return fail(Error(Code::invalid, "read").on(blob.digest.text()).why("it is too large"));
  room -= blob.size;
  std::string content;
  const auto sink = [&](std::span<const std::byte> bytes) -> Result<> {
    content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  };
  if (blob.size > 0) TRY(registry.blob({blob.digest, blob.size, 0}, sink));
  if (Digest::of(content) != blob.digest)
    return fail(Error(Code::invalid, "verify").on(blob.digest.text()).why("the content has another digest"));
  return content;
}

Result<FetchedDocuments> fetch_from(Registry& registry, const Reference& reference, WantedDocuments wanted) {
  const Registry::Document document = TRY(fetch_named(registry, reference));
  const std::string name = reference.familiar();
  FetchedDocuments fetched{document.digest, {}};
  std::optional<DescribedDocuments> described = TRY(describe_documents(document.body, document.content_type, name));
  if (!described) return fetched;
  fetched.documents = std::move(described->documents);
  if (!wanted(fetched.documents)) {
    fetched.documents.layers.clear();
    return fetched;
  }
  std::size_t room = max_document_bytes;
  fetched.documents.config = TRY(read_blob(registry, described->config, room));
  for (std::size_t i = 0; i < described->layers.size(); ++i)
    fetched.documents.layers[i].content = TRY(read_blob(registry, described->layers[i], room));
  return fetched;
}

}  // namespace

Result<std::optional<DescribedDocuments>> describe_documents(std::string_view body, const std::string& content_type,
                                                             const std::string& name) {
  ManifestOrIndex parsed = TRY(parse_any_manifest(body, content_type, name));
  if (!parsed.manifest) return std::nullopt;
  const Json root = TRY(parse_json(body, "manifest of " + name));
  DescribedDocuments described{{}, std::move(parsed.manifest->config), std::move(parsed.manifest->layers)};
  described.documents.artifact_type = get_string(root, "artifactType");
  described.documents.config_type = described.config.media_type;
  described.documents.annotations = annotations_of(root);
  const Json* layers = find_key(root, "layers");
  for (std::size_t i = 0; i < described.layers.size(); ++i) {
    Document text;
    text.media_type = described.layers[i].media_type;
    text.annotations = annotations_of((*layers)[i]);
    described.documents.layers.push_back(std::move(text));
  }
  return described;
}

Result<Digest> push_documents(const Reference& reference, const Documents& documents, const RegistryOptions& options,
                              const std::stop_token& cancel) {
  if (reference.digest) return fail(Error(Code::invalid, "cannot push a digest reference").on(reference.familiar()));
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  Registry registry(access, TRY(access.conf.origin(reference)), Registry::Actions::push, cancel);
  const auto pushed = [&]() -> Result<Digest> {
    TRY(upload(registry, documents.config));
    for (const Document& layer : documents.layers) TRY(upload(registry, layer.content));
    return registry.put_manifest(reference.tag, manifest_of(documents), media::oci_manifest);
  };
  auto digest = pushed();
  if (digest) return digest;
  Error error = std::move(digest).error();
  if (const int status = error.http_status(); status == 401 || status == 403)
    return fail(std::move(error).wrap("push", reference.familiar()).hint(registry.login_advice()));
  return fail(std::move(error).wrap("push", reference.familiar()));
}

Result<FetchedDocuments> fetch_documents(const Reference& reference, const RegistryOptions& options,
                                         WantedDocuments wanted, const std::stop_token& cancel) {
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  std::optional<Error> last;  // from the registry itself, because mirrors are asked first
  for (const Location& location : TRY(access.conf.locations(reference))) {
    Registry registry(access, location, Registry::Actions::pull, cancel);
    auto fetched = fetch_from(registry, reference, wanted);
    if (fetched) return fetched;
    last = std::move(fetched).error();
    if (cancel.stop_requested()) break;
  }
  return fail(std::move(*last));
}

}  // namespace consort::image
