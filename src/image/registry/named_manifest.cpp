#include "image/registry/named_manifest.hpp"

#include "base/strings.hpp"
#include "image/registry/similar.hpp"

namespace consort::image {

namespace {

constexpr std::size_t most_tags = 10'000;

std::string tags_hint(const Reference& reference, const std::vector<std::string>& tags) {
  std::vector<std::string> names;
  for (const std::string& tag : similar_tags(reference.tag, tags))
    names.push_back(reference.familiar_name() + ":" + tag);
  if (!names.empty()) return "these exist: " + join(names, ", ");
  if (tags.empty()) return {};
  return "it has " + std::to_string(tags.size()) + " other tags, " + tags.back() + " for one";
}

// Registries report missing images in many ways. If the repository lists its tags, it exists.
Error missing(Registry& registry, const Reference& reference, const Refusal& refusal) {
  const bool by_tag = !reference.digest;
  Result<std::vector<std::string>> tags = fail(Code::not_found, "list tags");
  if (by_tag && refusal.code != "NAME_UNKNOWN") tags = registry.tags(most_tags);
  const bool tag_only = !by_tag || refusal.code == "MANIFEST_UNKNOWN" || tags;
  Error error(Code::not_found, tag_only ? "manifest for " + reference.familiar() + " not found"
                                        : "repository " + reference.familiar_name() + " not found");
  error.data().why = refusal.text;
  error.data().http_status = refusal.status;
  if (tags) error.data().hint = tags_hint(reference, *tags);
  return error;
}

Error denied(const Registry& registry, const Reference& reference, std::string why, int status) {
  Error error(Code::denied, "pull access denied for " + reference.familiar_name() +
                                ", repository does not exist or may require 'docker login'");
  error.data().why = std::move(why);
  error.data().http_status = status;
  error.data().hint = registry.login_advice();
  return error;
}

bool is_denial(int status) {
  return status == 401 || status == 403;
}

}  // namespace

Result<Registry::Document> fetch_named(Registry& registry, const Reference& reference) {
  HttpAnswer answer = registry.ask_manifest(reference.selector());
  if (!answer) {
    Error error = std::move(answer).error();
    const int status = error.http_status();  // from the token server
    if (is_denial(status)) return fail(denied(registry, reference, error.message(), status));
    return fail(std::move(error));
  }
  if (answer->status == 404) return fail(missing(registry, reference, refusal_of(*answer)));
  if (is_denial(answer->status)) return fail(denied(registry, reference, refusal_of(*answer).text, answer->status));
  return Registry::document_of(std::move(*answer), reference.selector());
}

}  // namespace consort::image
