// Finds the cluster and the user's credentials as kubectl does: KUBECONFIG (a list of files), ~/.kube/config, or the
// service account of a pod inside a cluster.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "image/http.hpp"

namespace consort::kube {

// A program that returns a token or a certificate (client.authentication.k8s.io).
struct CredentialPlugin {
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // "NAME=value", added to ours
  std::string api_version;
  std::string install_hint;
};

struct Cluster {
  std::string context;  // "": inside a cluster
  std::string server;   // "https://10.0.0.1:6443"
  std::string space;    // the context's namespace; "": none given
  image::TlsSettings tls;
  std::optional<std::string> proxy;
  // At most one of the following is set.
  std::string token;
  std::string token_file;  // read again for each command, since it is replaced now and then
  std::string user, password;
  std::optional<CredentialPlugin> plugin;
};

using Environment = std::map<std::string, std::string>;

// context: "" for the current one. Code::not_found if there is no configuration or no such context.
Result<Cluster> find_cluster(const std::string& context, const Environment& environment);

// The value of an Authorization header ("Bearer ..."), from the plugin or the file if necessary; "" for none. A
// plugin's certificate is stored in the cluster's settings.
Result<std::string> authorize(Cluster& cluster, const std::stop_token& cancel = {});

// A plugin's output. Also for tests and fuzzers.
struct PluginAnswer {
  std::string token, certificate, key;
};
Result<PluginAnswer> parse_plugin_answer(std::string_view text, const std::string& command);

}  // namespace consort::kube
