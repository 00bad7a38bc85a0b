// Attributes that only Docker Swarm implements: reported, because their authors rely on them.
#include <initializer_list>
#include <string>
#include <utility>

#include "compose/passes/finish.hpp"

namespace consort::compose {

namespace {

class SwarmOnly {
 public:
  SwarmOnly(const Project& project, Reporter& reporter) : project_(project), reporter_(reporter) {}

  void run() {
    for (const auto& [name, service] : project_.services) {
      service_ = &service;
      credential_spec();
      deploy();
      ports();
      file_references("configs", service.configs, project_.configs);
      file_references("secrets", service.secrets, project_.secrets);
      volumes();
    }
    resources("configs", project_.configs, {"labels"});
    resources("secrets", project_.secrets, {"driver_opts", "labels"});
  }

 private:
  // path: below the service, in the file; shown: in the message.
  void say(Strings path, const std::string& shown, const std::string& why) {
    path.insert(path.begin(), {"services", service_->name});
    reporter_.warning("swarm-only", "service \"" + service_->name + "\": " + shown + ": " + why,
                      place_in(*project_.tree, path));
  }

  template <typename Resources>
  void resources(const std::string& kind, const Resources& all, std::initializer_list<const char*> keys) {
    for (const auto& [name, resource] : all) {
      const Node* node = place_of({kind, name});
      for (const char* key : keys)
        if (node && node->find(key))
          reporter_.warning("swarm-only", kind + "." + name + "." + key + ": only takes effect in a Swarm cluster",
                            place_in(*project_.tree, {kind, name, key}));
    }
  }

  const Node* place_of(const Strings& path) const {
    const Node* node = &*project_.tree;
    for (const std::string& key : path) node = node ? node->find(key) : nullptr;
    return node;
  }

  const Node* own(std::string_view key) const {
    const Node* services = project_.tree->find("services");
    const Node* service = services ? services->find(service_->name) : nullptr;
    return service ? service->find(key) : nullptr;
  }

  void credential_spec() {
    if (own("credential_spec")) say({"credential_spec"}, "credential_spec", "only Windows containers have one");
  }

  void deploy() {
    const Node* node = own("deploy");
    if (!node) return;
    for (const char* key : {"endpoint_mode", "labels", "mode", "placement", "rollback_config", "update_config"})
      if (node->find(key)) say({"deploy", key}, std::string("deploy.") + key, "only takes effect in a Swarm cluster");
  }

  void ports() {
    const Node* node = own("ports");
    if (!node || !node->is_sequence()) return;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const Node* mode = node->items[i].find("mode");
      if (!mode || mode->text != "host") continue;
      const Node* target = node->items[i].find("target");
      const Node* protocol = node->items[i].find("protocol");
      const std::string port = (target ? target->text : "") + "/" + (protocol ? protocol->text : "tcp");
      say({"ports", std::to_string(i), "mode"}, "ports[" + port + "].mode", "only takes effect in a Swarm cluster");
    }
  }

  void volumes() {
    const Node* node = own("volumes");
    if (!node || !node->is_sequence()) return;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const Node* type = node->items[i].find("type");
      if (!type || type->text != "cluster") continue;
      const Node* source = node->items[i].find("source");
      say({"volumes", std::to_string(i), "type"}, "volumes[" + (source ? source->text : "") + "].type",
          "only a Swarm cluster has such volumes");
    }
  }

  // A file of the host is mounted as is; content from a variable or from the Compose file is written for the container,
  // and gets the requested owner and mode.
  template <typename References, typename Sources>
  void file_references(const std::string& kind, const References& references, const Sources& sources) {
    const Node* node = own(kind);
    if (!node || !node->is_sequence()) return;
    for (std::size_t i = 0; i < references.size() && i < node->items.size(); ++i) {
      const auto source = sources.find(references[i].source);
      if (source == sources.end() || source->second.file.empty()) continue;
      for (const char* key : {"gid", "mode", "uid"})
        if (node->items[i].find(key))
          say({kind, std::to_string(i), key}, kind + "." + references[i].source + "." + key,
              "is ignored for a file outside a Swarm cluster");
    }
  }

  const Project& project_;
  Reporter& reporter_;
  const Service* service_ = nullptr;
};

}  // namespace

void check_swarm_only(const Project& project, Reporter& reporter) {
  if (project.tree) SwarmOnly(project, reporter).run();
}

}  // namespace consort::compose
