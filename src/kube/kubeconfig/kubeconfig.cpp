#include "kube/kubeconfig.hpp"

#include "base/base64.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/plain_yaml.hpp"

namespace consort::kube {

namespace {

using compose::Node;

constexpr const char* pod_files = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string text_of(const Node& node, std::string_view key) {
  const Node* found = node.find(key);
  return found && found->is_scalar() ? found->scalar_text() : "";
}
bool is_on(const Node& node, std::string_view key) {
  const Node* found = node.find(key);
  return found && found->kind == compose::Kind::boolean && found->boolean;
}

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

struct File {
  std::string path;
  Node root;
};

// An entry of "clusters", "users" or "contexts", and the file that contains it: paths in the entry are relative to that
// file.
struct Found {
  const Node* entry = nullptr;
  const File* file = nullptr;
};

// The first file that contains the entry wins, as with kubectl.
Found find_entry(const std::vector<File>& files, const char* list, const char* kind, const std::string& name) {
  for (const File& file : files) {
    const Node* entries = file.root.find(list);
    if (!entries) continue;
    for (const Node& entry : entries->items)
      if (text_of(entry, "name") == name)
        if (const Node* inner = entry.find(kind)) return {inner, &file};
  }
  return {};
}

Result<std::vector<File>> read_files(const Environment& environment) {
  std::vector<std::string> paths;
  for (const std::string& path : split(variable(environment, "KUBECONFIG"), ':'))
    if (!path.empty()) paths.push_back(path);
  if (paths.empty() && !variable(environment, "HOME").empty())
    paths.push_back(join_path(variable(environment, "HOME"), ".kube/config"));
  std::vector<File> files;
  for (const std::string& path : paths) {
    auto text = read_file(path);
    if (!text && text.error().code() == Code::not_found) continue;
    if (!text) return fail(std::move(text).error().wrap("read the Kubernetes configuration"));
    Node root = TRY_WRAP(compose::parse_plain_yaml(*text, path), "read the Kubernetes configuration");
    files.push_back({path, std::move(root)});
  }
  return files;
}

// "certificate-authority-data", or the content of the file that "certificate-authority" names.
Result<std::string> data_or_file(const Found& found, const std::string& key) {
  if (const std::string data = text_of(*found.entry, key + "-data"); !data.empty()) {
    const auto decoded = base64_decode(data);
    if (!decoded)
      return fail(Error(Code::invalid, "read " + key + "-data").on(found.file->path).why("it is not Base64"));
    return *decoded;
  }
  const std::string path = text_of(*found.entry, key);
  if (path.empty()) return std::string();
  return read_file(join_path(dir_name(found.file->path), path));
}

CredentialPlugin plugin_of(const Node& node, const File& file) {
  CredentialPlugin plugin{.command = text_of(node, "command"),
                          .arguments = {},
                          .environment = {},
                          .api_version = text_of(node, "apiVersion"),
                          .install_hint = text_of(node, "installHint")};
  // A name without a slash is looked up in PATH; a path is relative to the kubeconfig file.
  if (plugin.command.find('/') != std::string::npos) plugin.command = join_path(dir_name(file.path), plugin.command);
  if (const Node* arguments = node.find("args"))
    for (const Node& each : arguments->items) plugin.arguments.push_back(each.scalar_text());
  if (const Node* variables = node.find("env"))
    for (const Node& each : variables->items)
      plugin.environment.push_back(text_of(each, "name") + "=" + text_of(each, "value"));
  return plugin;
}

Result<> read_cluster(const Found& found, Cluster& cluster) {
  cluster.server = text_of(*found.entry, "server");
  while (cluster.server.ends_with('/')) cluster.server.pop_back();
  if (cluster.server.empty())
    return fail(
        Error(Code::invalid, "read the Kubernetes configuration").on(found.file->path).why("a cluster has no server"));
  cluster.tls.server_name = text_of(*found.entry, "tls-server-name");
  cluster.tls.extra_authorities = TRY(data_or_file(found, "certificate-authority"));
  cluster.tls.system = image::TlsSettings::System::replaced;
  if (is_on(*found.entry, "insecure-skip-tls-verify")) cluster.tls.verify = image::TlsSettings::Verify::no;
  if (const std::string proxy = text_of(*found.entry, "proxy-url"); !proxy.empty()) cluster.proxy = proxy;
  return {};
}

Result<> read_user(const Found& found, Cluster& cluster) {
  const Node& user = *found.entry;
  cluster.tls.client_certificate_pem = TRY(data_or_file(found, "client-certificate"));
  cluster.tls.client_key_pem = TRY(data_or_file(found, "client-key"));
  cluster.token = text_of(user, "token");
  if (const std::string path = text_of(user, "tokenFile"); !path.empty()) {
    cluster.token.clear();  // the file takes precedence: it may be newer
    cluster.token_file = join_path(dir_name(found.file->path), path);
  }
  cluster.user = text_of(user, "username");
  cluster.password = text_of(user, "password");
  if (const Node* plugin = user.find("exec")) cluster.plugin = plugin_of(*plugin, *found.file);
  if (user.find("auth-provider"))
    return fail(Error(Code::unsupported, "read the Kubernetes configuration")
                    .on(found.file->path)
                    .why("auth-provider has been replaced by credential plugins (exec)"));
  return {};
}

Result<Cluster> cluster_around(const Environment& environment) {
  const std::string host = variable(environment, "KUBERNETES_SERVICE_HOST");
  const std::string port = variable(environment, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty())
    return fail(Error(Code::not_found, "find a Kubernetes cluster")
                    .why("there is no configuration")
                    .hint("set KUBECONFIG, or write ~/.kube/config as your cluster's documentation says"));
  Cluster cluster;
  cluster.server = "https://" + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + port;
  cluster.tls.extra_authorities = TRY(read_file(std::string(pod_files) + "/ca.crt"));
  cluster.tls.system = image::TlsSettings::System::replaced;
  cluster.token_file = std::string(pod_files) + "/token";
  if (const auto space = read_file(std::string(pod_files) + "/namespace")) cluster.space = std::string(trim(*space));
  return cluster;
}

std::string known_contexts(const std::vector<File>& files) {
  std::vector<std::string> names;
  for (const File& file : files)
    if (const Node* contexts = file.root.find("contexts"))
      for (const Node& each : contexts->items) names.push_back(text_of(each, "name"));
  return join(names, ", ");
}

}  // namespace

Result<Cluster> find_cluster(const std::string& context, const Environment& environment) {
  const std::vector<File> files = TRY(read_files(environment));
  std::string name = context;
  for (const File& file : files)
    if (name.empty()) name = text_of(file.root, "current-context");
  if (name.empty() && files.empty()) return cluster_around(environment);
  if (name.empty())
    return fail(Error(Code::not_found, "find a Kubernetes cluster")
                    .why("the configuration has no current context")
                    .hint("name one of " + known_contexts(files) + ": --on kubernetes:CONTEXT"));
  const Found found = find_entry(files, "contexts", "context", name);
  if (!found.entry)
    return fail(Error(Code::not_found, "find context \"" + name + "\" of Kubernetes")
                    .why("the configuration has no such context")
                    .hint("there are: " + known_contexts(files)));
  Cluster cluster;
  cluster.context = name;
  cluster.space = text_of(*found.entry, "namespace");
  const std::string at = text_of(*found.entry, "cluster"), who = text_of(*found.entry, "user");
  const Found where = find_entry(files, "clusters", "cluster", at);
  if (!where.entry)
    return fail(Error(Code::not_found, "find cluster \"" + at + "\" of context \"" + name + "\"").on(found.file->path));
  TRY(read_cluster(where, cluster));
  if (const Found user = find_entry(files, "users", "user", who); user.entry) TRY(read_user(user, cluster));
  return cluster;
}

}  // namespace consort::kube
