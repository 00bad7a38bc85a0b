// Authentication: tokens, and external programs that provide credentials.
#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/loop/stop_event.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "kube/kubeconfig.hpp"

#include <unistd.h>

namespace consort::kube {

namespace {

constexpr std::size_t longest_answer = 1 << 20;

Result<PluginAnswer> ask(const CredentialPlugin& plugin, const std::stop_token& cancel) {
  SpawnOptions options;
  options.argv.push_back(plugin.command);
  options.argv.insert(options.argv.end(), plugin.arguments.begin(), plugin.arguments.end());
  for (char** entry = environ; entry && *entry; ++entry) options.environment.emplace_back(*entry);
  options.environment.insert(options.environment.end(), plugin.environment.begin(), plugin.environment.end());
  const Json info{
      {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", Json{{"interactive", false}}}};
  options.environment.push_back("KUBERNETES_EXEC_INFO=" + dump_json(info));
  const StopEvent stop = TRY(StopEvent::of(cancel));
  auto captured = run_and_capture(std::move(options), {}, longest_answer, stop.fd());
  if (!captured) return fail(std::move(captured).error().wrap("ask " + plugin.command + " for credentials"));
  if (!captured->status.success())
    return fail(Error(Code::denied, "ask " + plugin.command + " for credentials")
                    .why(std::string(trim(captured->err)))
                    .hint(plugin.install_hint));
  return parse_plugin_answer(captured->out, plugin.command);
}

}  // namespace

Result<PluginAnswer> parse_plugin_answer(std::string_view text, const std::string& command) {
  const Json answer = TRY(parse_json(text, "answer of " + command));
  const Json* status = find_key(answer, "status");
  if (get_string(answer, "kind") != "ExecCredential" || !status)
    return fail(Error(Code::invalid, "read the answer of " + command).why("it is not an ExecCredential"));
  PluginAnswer made{.token = get_string(*status, "token"),
                    .certificate = get_string(*status, "clientCertificateData"),
                    .key = get_string(*status, "clientKeyData")};
  if (made.token.empty() && made.certificate.empty())
    return fail(Error(Code::denied, "read the answer of " + command).why("it has no credentials"));
  return made;
}

Result<std::string> authorize(Cluster& cluster, const std::stop_token& cancel) {
  if (cluster.plugin) {
    PluginAnswer answer = TRY(ask(*cluster.plugin, cancel));
    if (!answer.certificate.empty()) {
      cluster.tls.client_certificate_pem = std::move(answer.certificate);
      cluster.tls.client_key_pem = std::move(answer.key);
    }
    return answer.token.empty() ? "" : "Bearer " + answer.token;
  }
  if (!cluster.token_file.empty())
    return "Bearer " + std::string(trim(TRY_WRAP(read_file(cluster.token_file), "read the token")));
  if (!cluster.token.empty()) return "Bearer " + cluster.token;
  if (!cluster.user.empty()) return "Basic " + base64_encode(cluster.user + ":" + cluster.password);
  return std::string();
}

}  // namespace consort::kube
