// Where a cluster is and who we are there, as kubectl finds it: KUBECONFIG (a list of files), ~/.kube/config, or what a
// pod has inside a cluster.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "image/http.hpp"

namespace consort::kube {

// A program that gives a token or a certificate (client.authentication.k8s.io).
struct CredentialPlugin {
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // "NAME=value", besides ours
  std::string api_version;
  std::string install_hint;
};

struct Cluster {
  std::string context;  // "": inside a cluster
  std::string server;   // "https://10.0.0.1:6443"
  std::string space;    // the context's namespace; "": it names none
  image::TlsSettings tls;
  std::optional<std::string> proxy;
  // At most one of these.
  std::string token;
  std::string token_file;  // read anew for each command: it is replaced now and then
  std::string user, password;
  std::optional<CredentialPlugin> plugin;
};

using Environment = std::map<std::string, std::string>;

// context: "" for the current one. Code::not_found if there is no configuration or no such context.
Result<Cluster> find_cluster(const std::string& context, const Environment& environment);

// The value of an Authorization header ("Bearer ..."), asked of the plugin or read from the file if necessary; "" for
// none. A plugin's certificate goes into the cluster's settings.
Result<std::string> authorize(Cluster& cluster, const std::stop_token& cancel = {});

// What a plugin has written. For tests and fuzzers, too.
struct PluginAnswer {
  std::string token, certificate, key;
};
Result<PluginAnswer> parse_plugin_answer(std::string_view text, const std::string& command);

}  // namespace consort::kube
