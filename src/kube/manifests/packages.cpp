#include "kube/packages.hpp"

#include <functional>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "compose/node.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

using compose::Node;

constexpr const char* base_file = "kustomization.yaml";

// Objects grouped by file. Those that belong to no service are in project.yaml.
using Files = std::map<std::string, std::vector<Object>>;
Files by_file(const Manifests& manifests) {
  Files files;
  for (const Object& object : manifests.objects) {
    std::string name = object.service.empty() ? "project.yaml" : object_name(object.service) + ".yaml";
    if (name == base_file) name.insert(0, "service-");
    files[name].push_back(object);
  }
  return files;
}

Result<std::string> marked_yaml(const std::vector<Object>& objects) {
  return package_mark + TRY(manifests_yaml(objects));
}

Json* container_of(Json& object, const char* list) {
  Json* at = &object;
  for (const char* key : {"spec", "jobTemplate", "spec", "template", "spec"}) {
    if (!at->is_object()) return nullptr;
    if (at->contains(key)) at = &(*at)[key];
  }
  return at->is_object() && at->contains(list) && !(*at)[list].empty() ? &(*at)[list] : nullptr;
}

// "registry/x:1@sha256:..." without the tag and digest, which an overlay replaces.
std::string image_name(const std::string& image) {
  std::string name = image.substr(0, image.find('@'));
  const std::size_t colon = name.rfind(':'), slash = name.rfind('/');
  if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) name.resize(colon);
  return name;
}

Node text(const std::string& value) {
  return Node::make_string(value);
}

// The values that a user of the chart may set, and their places in the templates: tokens that YAML never quotes.
class Values {
 public:
  std::string token(const std::string& group, const std::string& key, const Json& value) {
    groups_[group][key] = value;
    std::string made = "consortvalue" + std::to_string(tokens_.size()) + "x";
    const std::string quote = value.is_string() ? " | quote" : "";
    tokens_.emplace_back(made, "{{ index .Values." + group + " \"" + key + "\"" + quote + " }}");
    return made;
  }
  // Braces that come from the file itself are escaped, so that they stay as they are.
  std::string fill(std::string yaml) const {
    std::string made;
    for (std::size_t i = 0; i < yaml.size(); ++i) {
      const bool opens = yaml.compare(i, 2, "{{") == 0;
      made += opens ? "{{ \"{{\" }}" : std::string(1, yaml[i]);
      if (opens) ++i;
    }
    for (const auto& [token, expression] : tokens_) {
      made = replace_all(std::move(made), "\"" + token + "\"", expression);
      made = replace_all(std::move(made), token, expression);
    }
    return made;
  }
  std::string yaml() const {
    Node all = Node::make_mapping();
    for (const auto& [group, values] : groups_) {
      Node inner = Node::make_mapping();
      for (const auto& [key, value] : values)
        inner.set(key, value.is_number_integer() ? Node::make_integer(value.get<std::int64_t>())
                                                 : Node::make_string(value.get<std::string>()));
      all.set(group, std::move(inner));
    }
    return compose::render_yaml(all);
  }

 private:
  std::map<std::string, std::map<std::string, Json>> groups_;
  std::vector<std::pair<std::string, std::string>> tokens_;
};

// Replaces the hosts of requests, wherever the object names them.
void choose_hosts(Json& spec, const std::string& service, Values& values) {
  std::map<std::string, std::string> tokens;
  const auto choose = [&](Json& host) {
    const auto [at, fresh] = tokens.try_emplace(host.get<std::string>());
    // Service names contain no "_" here, so this cannot be another service's key.
    const std::string key = tokens.size() > 1 ? service + "_" + std::to_string(tokens.size()) : service;
    if (fresh) at->second = values.token("hosts", key, host);
    host = at->second;
  };
  if (spec.contains("rules"))
    for (Json& rule : spec["rules"])
      if (rule.contains("host")) choose(rule["host"]);
  if (spec.contains("hostnames"))
    for (Json& host : spec["hostnames"]) choose(host);
  if (spec.contains("tls"))
    for (Json& each : spec["tls"])
      if (each.contains("hosts"))
        for (Json& host : each["hosts"]) choose(host);
}

Result<Object> as_template(const Object& object, Values& values) {
  Json made = TRY(parse_json(object.json, object.kind + " " + object.name));
  const std::string service = object_name(object.service);
  for (const char* list : {"initContainers", "containers"})
    if (Json* containers = container_of(made, list))
      for (Json& container : *containers)
        if (container.contains("image")) container["image"] = values.token("images", service, container["image"]);
  if (Json* spec = made.contains("spec") ? &made["spec"] : nullptr) {
    if (spec->contains("replicas")) (*spec)["replicas"] = values.token("replicas", service, (*spec)["replicas"]);
    if (object.kind == claim_kind) {
      Json& storage = (*spec)["resources"]["requests"]["storage"];
      storage = values.token("sizes", object.name, storage);
    }
    if (object.kind == "Ingress" || object.kind == "HTTPRoute") choose_hosts(*spec, service, values);
  }
  Object result = object;
  result.json = dump_json(made);
  return result;
}

}  // namespace

Result<std::vector<PackagedFile>> kustomize_base(const Manifests& manifests, const std::string& project) {
  std::vector<PackagedFile> files;
  Node resources = Node::make_sequence();
  for (const auto& [path, objects] : by_file(manifests)) {
    std::string yaml = TRY(marked_yaml(objects));
    files.push_back({path, std::move(yaml)});
    resources.items.push_back(text(path));
  }
  std::map<std::string, std::string> images;
  std::set<std::string> several;  // names with more than one version, which kustomize would replace by a single one
  Node replicas = Node::make_sequence(), image_list = Node::make_sequence();
  for (const Object& object : manifests.objects) {
    Json value = TRY(parse_json(object.json, object.kind));
    if (Json* containers = container_of(value, "containers"))
      for (const Json& container : *containers) {
        const std::string image = get_string(container, "image");
        const std::string name = image_name(image);
        if (images.try_emplace(name, image).first->second != image) several.insert(name);
      }
    if (const Json* spec = find_key(value, "spec"); spec && spec->contains("replicas")) {
      Node each = Node::make_mapping();
      each.set("name", text(object.name));
      each.set("count", Node::make_integer(get_int(*spec, "replicas")));
      replicas.items.push_back(std::move(each));
    }
  }
  for (const auto& [name, image] : images) {
    if (several.contains(name)) continue;
    Node each = Node::make_mapping();
    each.set("name", text(name));
    const std::string rest = image.substr(name.size());
    if (const std::size_t at = rest.find('@'); at != std::string::npos) {
      each.set("digest", text(rest.substr(at + 1)));
    } else {
      each.set("newTag", text(rest.empty() ? "latest" : rest.substr(1)));
    }
    image_list.items.push_back(std::move(each));
  }
  Node all = Node::make_mapping();
  all.set("apiVersion", text("kustomize.config.k8s.io/v1beta1"));
  all.set("kind", text("Kustomization"));
  all.set("namespace", text(object_name(project)));
  all.set("resources", std::move(resources));
  if (!image_list.items.empty()) all.set("images", std::move(image_list));
  if (!replicas.items.empty()) all.set("replicas", std::move(replicas));
  files.push_back({base_file, compose::render_yaml(all)});
  return files;
}

Result<std::vector<PackagedFile>> helm_chart(const Manifests& manifests, const std::string& project) {
  Values values;
  std::vector<PackagedFile> files;
  for (const auto& [path, objects] : by_file(manifests)) {
    std::vector<Object> templates;
    for (const Object& object : objects) templates.push_back(TRY(as_template(object, values)));
    std::string yaml = TRY(marked_yaml(templates));
    files.push_back({"templates/" + path, std::move(yaml)});
  }
  for (PackagedFile& file : files) file.text = values.fill(std::move(file.text));
  Node chart = Node::make_mapping();
  chart.set("apiVersion", text("v2"));
  chart.set("name", text(object_name(project)));
  chart.set("description", text("Generated from a Compose file by consort export kubernetes --format helm"));
  chart.set("type", text("application"));
  chart.set("version", text("0.1.0"));
  files.push_back({"Chart.yaml", compose::render_yaml(chart)});
  files.push_back({"values.yaml", values.yaml()});
  return files;
}

}  // namespace consort::kube
