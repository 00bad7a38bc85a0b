#include "kube/kubeconfig.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "base/os/files/file.hpp"

namespace consort::kube {
namespace {

class Kubeconfig : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "kubeconfig-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_TRUE(make_directories(directory_));
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(directory_)); }
  std::string write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(write_file_atomic(directory_ + "/" + name, text));
    return directory_ + "/" + name;
  }
  std::string directory_;
};

TEST_F(Kubeconfig, TakesTheFirstOfSeveralFilesAndPathsFromWhereTheyStand) {
  write("ca.pem", "CA");
  const std::string first =
      write("first", R"(
current-context: there
contexts:
- {name: there, context: {cluster: far, user: me, namespace: mine}}
users:
- {name: me, user: {token: first, client-certificate-data: )" +
                         base64_encode("CERT") + ", client-key-data: " + base64_encode("KEY") + "}}\n");
  const std::string second = write("second", R"(
current-context: elsewhere
clusters:
- name: far
  cluster: {server: "https://far:6443/", certificate-authority: ca.pem, proxy-url: "http://proxy:3128",
    tls-server-name: near}
users:
- {name: me, user: {token: second}}
)");
  auto cluster = find_cluster("", {{"KUBECONFIG", first + ":" + directory_ + "/missing:" + second}});
  ASSERT_TRUE(cluster) << cluster.error().message();
  EXPECT_EQ(cluster->context, "there");
  EXPECT_EQ(cluster->server, "https://far:6443");
  EXPECT_EQ(cluster->space, "mine");
  EXPECT_EQ(cluster->tls.extra_authorities, "CA");
  EXPECT_EQ(cluster->tls.server_name, "near");
  EXPECT_EQ(cluster->tls.system, image::TlsSettings::System::replaced);
  EXPECT_EQ(cluster->tls.client_certificate_pem, "CERT");
  EXPECT_EQ(cluster->tls.client_key_pem, "KEY");
  EXPECT_EQ(cluster->proxy.value_or(""), "http://proxy:3128");
  EXPECT_EQ(authorize(*cluster).value_or(""), "Bearer first");
}

TEST_F(Kubeconfig, HasOtherWaysToSayWhoWeAre) {
  const std::string path = write("config", R"(
current-context: file
contexts:
- {name: file, context: {cluster: a, user: file}}
- {name: password, context: {cluster: a, user: password}}
- {name: nobody, context: {cluster: strict, user: gone}}
clusters:
- {name: a, cluster: {server: "https://a", insecure-skip-tls-verify: true}}
- {name: strict, cluster: {server: "https://b"}}
users:
- {name: file, user: {token: old, tokenFile: token}}
- {name: password, user: {username: me, password: secret}}
)");
  write("token", "first\n");
  auto file = find_cluster("", {{"KUBECONFIG", path}});
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tls.verify, image::TlsSettings::Verify::no);
  EXPECT_EQ(authorize(*file).value_or(""), "Bearer first");
  write("token", "second");
  EXPECT_EQ(authorize(*file).value_or(""), "Bearer second");
  auto password = find_cluster("password", {{"KUBECONFIG", path}});
  ASSERT_TRUE(password);
  EXPECT_EQ(authorize(*password).value_or(""), "Basic " + base64_encode("me:secret"));
  auto nobody = find_cluster("nobody", {{"HOME", directory_}, {"KUBECONFIG", path}});
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->tls.verify, image::TlsSettings::Verify::yes);
  EXPECT_EQ(authorize(*nobody).value_or("none"), "");
}

TEST_F(Kubeconfig, AsksPlugins) {
  const std::string plugin = write("plugin",
                                   "#!/bin/sh\nprintf '{\"kind\":\"ExecCredential\",\"status\":{\"token\":"
                                   "\"%s-%s\"}}' \"$1\" \"$WHO\"\n");
  ASSERT_EQ(::chmod(plugin.c_str(), 0755), 0);
  const std::string path = write("config", R"(
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://a"}}]
users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [for], env: [{name: WHO, value: me}]}}}]
)");
  auto cluster = find_cluster("", {{"KUBECONFIG", path}});
  ASSERT_TRUE(cluster) << cluster.error().message();
  EXPECT_EQ(authorize(*cluster).value_or("none"), "Bearer for-me");
}

TEST_F(Kubeconfig, WaitsForNoPluginLongerThanTheUserDoes) {
  Cluster cluster;
  cluster.plugin = CredentialPlugin{"sleep", {"60"}, {}, {}, {}};
  std::stop_source stop;
  stop.request_stop();
  const auto asked = authorize(cluster, stop.get_token());
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), Code::interrupted);
}

TEST_F(Kubeconfig, SaysWhatIsMissing) {
  const auto none = find_cluster("", {{"HOME", directory_}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::not_found);
  const std::string path = write("config", "contexts: [{name: a, context: {cluster: x}}]\n");
  EXPECT_EQ(find_cluster("b", {{"KUBECONFIG", path}}).error().code(), Code::not_found);
  EXPECT_EQ(find_cluster("a", {{"KUBECONFIG", path}}).error().code(), Code::not_found);
  EXPECT_EQ(find_cluster("a", {{"KUBECONFIG", write("bad", "a: [")}}).error().code(), Code::invalid);
}

TEST(PluginAnswer, MustHaveCredentials) {
  EXPECT_FALSE(parse_plugin_answer("", "x"));
  EXPECT_FALSE(parse_plugin_answer(R"({"kind":"ExecCredential","status":{}})", "x"));
  EXPECT_FALSE(parse_plugin_answer(R"({"status":{"token":"a"}})", "x"));
}

}  // namespace
}  // namespace consort::kube
