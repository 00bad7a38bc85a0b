// Secrets and configs as files, and pod volumes in general.
#include "base/base64.hpp"
#include "base/os/files/file.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

using FileKind = project::DesiredFile::Kind;
constexpr std::size_t object_limit = 900'000;  // bytes; the API accepts 1 MiB for the whole object

// The name of the object that holds the content: one created here, or an existing one.
Result<std::string> object_of(const Scope& scope, const project::DesiredService& service,
                              const project::DesiredFile& file) {
  if (file.external) return file.name;
  const bool secret = file.kind == FileKind::secret;
  const std::string content = file.host_file.empty() ? file.content
                                                     : TRY_WRAP(read_file(file.host_file, object_limit),
                                                                secret ? "read secret" : "read config", file.key);
  const std::string name = object_name(file.key, 10) + "-" + content_tag(file.key + "\n" + content);
  Json object{{"apiVersion", "v1"}, {"kind", secret ? "Secret" : "ConfigMap"}, {"metadata", metadata(scope, name, "")}};
  if (secret) object["type"] = "Opaque";
  object["immutable"] = true;
  object[secret ? "data" : "binaryData"] = Json{{object_key(file.key), base64_encode(content)}};
  scope.add(service.name, object);
  return name;
}

}  // namespace

std::string object_key(std::string_view text) {
  std::string key(text);
  for (char& c : key)
    if (!is_annotation_key(std::string_view(&c, 1)) && c != '.' && c != '-' && c != '_') c = '_';
  return key;
}

void add_volume(Pod& pod, Json volume, Json mount) {
  mount["name"] = volume.at("name");
  pod.container["volumeMounts"].push_back(std::move(mount));
  if (!pod.spec.contains("volumes")) pod.spec["volumes"] = Json::array();
  for (const Json& each : pod.spec["volumes"])
    if (each.at("name") == volume.at("name")) return;
  pod.spec["volumes"].push_back(std::move(volume));
}

Result<> add_files(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  std::size_t number = 0;
  for (const project::DesiredFile& file : service.files) {
    const std::string object = TRY(object_of(scope, service, file));
    const bool secret = file.kind == FileKind::secret;
    const std::string key = file.external ? file.name : object_key(file.key);
    const std::string path = base_name(file.path);
    Json source{{secret ? "secretName" : "name", object},
                {"items", Json::array({Json{{"key", key}, {"path", path}, {"mode", file.mode}}})}};
    add_volume(pod, Json{{"name", "file-" + std::to_string(number++)}, {secret ? "secret" : "configMap", source}},
               Json{{"mountPath", file.path}, {"subPath", path}, {"readOnly", true}});
  }
  return {};
}

}  // namespace consort::kube
