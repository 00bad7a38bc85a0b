#include "kube/as_applied.hpp"

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

namespace {

bool covers(const Json& there, const Json& wanted) {
  if (wanted.is_object() && there.is_object()) {
    for (const auto& [key, value] : wanted.items()) {
      const Json* found = find_key(there, key);
      if (!found || !covers(*found, value)) return false;
    }
    return true;
  }
  if (wanted.is_array() && there.is_array()) {
    if (wanted.size() != there.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (!covers(there[i], wanted[i])) return false;
    return true;
  }
  return there == wanted;
}

}  // namespace

Result<Json> to_apply(std::string_view object) {
  Json made = TRY(parse_json(object, "object"));
  made["metadata"]["annotations"][annotation::applied] = sha256_hex(object).substr(0, 16);
  return made;
}

bool is_as_applied(const Json& there, const Json& wanted) {
  const Json* meta = find_key(there, "metadata");
  if (!meta || meta->contains("deletionTimestamp")) return false;
  // The items of a list do not include their kind; the client that requested the list knows it.
  Json rest = wanted;
  for (const char* key : {"apiVersion", "kind"}) rest.erase(key);
  return covers(there, rest);
}

bool has_other_address(const Json& there, const Json& wanted) {
  const auto is_headless = [](const Json& service) {
    const Json* spec = find_key(service, "spec");
    return spec && get_string(*spec, "clusterIP") == "None";
  };
  return get_string(wanted, "kind") == "Service" && is_headless(there) != is_headless(wanted);
}

Json without_digest(Json object) {
  if (!object.is_object() || !object.contains("metadata")) return object;
  Json& meta = object["metadata"];
  if (!meta.is_object() || !meta.contains("annotations") || !meta["annotations"].is_object()) return object;
  meta["annotations"].erase(annotation::applied);
  if (meta["annotations"].empty()) meta.erase("annotations");
  return object;
}

}  // namespace consort::kube
