// The meaning of service names: their pods, or a cluster IP.
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "kube/as_applied.hpp"
#include "support.hpp"

namespace consort::kube {
namespace {

// The Service of that name as YAML, or "" if there is none.
std::string service_of(const std::string& yaml, const std::string& name) {
  for (const std::string& each : split(replace_all(yaml, "---\n", "\x01"), '\x01'))
    if (each.find("\nkind: Service\n") != std::string::npos &&
        each.find("\n  name: " + name + "\n") != std::string::npos)
      return each.substr(each.find("spec:"));
  return "";
}

Made made_of(const std::string& web, const std::string& rest = "") {
  return make(project_of("services:\n  web: {image: x, " + web + "}\n" + rest));
}

const std::string own = "deploy: {endpoint_mode: vip}";

TEST(Addresses, LeadToThePortsThatTheFileLists) {
  const std::string yaml =
      made_of("ports: [\"8080:80\", \"8081:80\", \"53:53/udp\"], expose: [\"80\", \"3000-3001\"], " + own).yaml;
  EXPECT_EQ(service_of(yaml, "web"), R"(spec:
  ports:
    - name: tcp-80
      port: 80
      protocol: TCP
      targetPort: 80
    - name: udp-53
      port: 53
      protocol: UDP
      targetPort: 53
    - name: tcp-3000
      port: 3000
      protocol: TCP
      targetPort: 3000
    - name: tcp-3001
      port: 3001
      protocol: TCP
      targetPort: 3001
  selector:
    app.kubernetes.io/managed-by: consort
    app.kubernetes.io/name: web
    app.kubernetes.io/part-of: app
  type: ClusterIP
)");
  // Every port of every pod is still reachable.
  EXPECT_NE(service_of(yaml, "web-pods").find("clusterIP: None"), std::string::npos) << yaml;
  const std::string headless = made_of("ports: [\"8080:80\"]").yaml;
  EXPECT_NE(service_of(headless, "web").find("clusterIP: None"), std::string::npos) << headless;
  EXPECT_EQ(service_of(headless, "web-pods"), "");
}

TEST(Addresses, AreThoseOfAllNamesOfAService) {
  const std::string yaml = made_of("expose: [\"80\"], container_name: front, " + own, "  db: {image: x}\n").yaml;
  EXPECT_NE(service_of(yaml, "front").find("type: ClusterIP"), std::string::npos) << yaml;
  EXPECT_NE(service_of(yaml, "db").find("clusterIP: None"), std::string::npos) << yaml;
}

// Requests that go to one pod by name must not find one that does not listen yet, or that is ending.
TEST(Addresses, AreThoseOfReadyPodsIfThereAreSeveral) {
  const auto name_is = [](const std::string& web, const std::string& rest = "") {
    const std::string yaml = made_of(web, rest).yaml;
    const bool all = service_of(yaml, "web").find("publishNotReadyAddresses") != std::string::npos;
    // There is a name for all of them then.
    const std::string pods = service_of(yaml, "web-pods");
    if (rest.empty()) {
      EXPECT_EQ(pods.find("publishNotReadyAddresses: true") != std::string::npos, !all) << yaml;
    }
    return std::string(all ? "all" : "ready");
  };
  EXPECT_EQ(name_is("tty: true"), "all");
  EXPECT_EQ(name_is("deploy: {replicas: 2}"), "ready");
  EXPECT_EQ(name_is("scale: 2"), "ready");
  EXPECT_EQ(name_is("deploy: {mode: global}"), "ready");
  // Who looks for the others before it is ready.
  EXPECT_EQ(name_is("deploy: {replicas: 2, endpoint_mode: dnsrr}"), "all");
  EXPECT_EQ(name_is("scale: 2, volumes: [\"data:/data\"]", "volumes: {data: }\n"), "all");
  EXPECT_EQ(name_is("scale: 2, restart: \"no\""), "all");
  EXPECT_EQ(name_is("scale: 2", "  web-pods: {image: x}\n"), "all");
}

TEST(Addresses, AreToldWhereTheyCannotBe) {
  const auto starts = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  for (const char* without : {"", "restart: \"no\", expose: [\"80\"], "}) {
    const Made none = made_of(without + own);
    EXPECT_TRUE(none.refusals == 0 && starts(none.notes, "2: the name of \"web\" stays that of its pods"))
        << none.notes;
    EXPECT_NE(service_of(none.yaml, "web").find("clusterIP: None"), std::string::npos) << none.yaml;
  }
  const Made many = made_of("expose: [\"1-2000\"], " + own);
  EXPECT_TRUE(many.refusals == 1 && starts(many.notes, "lists 2000 ports")) << many.notes;
  const Made taken = made_of("expose: [\"80\"], " + own, "  web-pods: {image: x}\n");
  EXPECT_EQ(taken.refusals, 1U) << taken.notes;
}

// A Service's address is there before any pod is; and what is awaited must not change with the number of replicas.
TEST(Addresses, AreNotWhatPodsWaitFor) {
  const auto waits_for = [](const std::string& api, const std::string& rest = "") {
    const compose::Project project =
        project_of("services:\n  api: {image: x, " + api + "}\n  web: {image: y, depends_on: [api]}\n" + rest);
    std::vector<compose::Diagnostic> refusals;
    const auto made = make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}),
                                     {.wait_image = "wait"}, refusals);
    EXPECT_TRUE(made);
    const std::string yaml = made ? manifests_yaml(made->objects).value_or("") : "";
    for (const char* name : {"api-pods", "api"})
      if (yaml.find(std::string("- args:\n            - ") + name + "\n") != std::string::npos &&
          !service_of(yaml, name).empty())
        return std::string(name);
    return yaml;
  };
  EXPECT_EQ(waits_for("expose: [\"80\"], " + own), "api-pods");
  EXPECT_EQ(waits_for("scale: 1"), "api-pods");
  EXPECT_EQ(waits_for("scale: 2"), "api-pods");
  EXPECT_EQ(waits_for("deploy: {replicas: 2, endpoint_mode: dnsrr}"), "api");
  EXPECT_EQ(waits_for("scale: 2, volumes: [\"data:/data\"]", "volumes: {data: }\n"), "api");
  EXPECT_EQ(waits_for("scale: 2", "  api-pods: {image: x}\n"), "api");
}

TEST(Addresses, CannotBecomeAnother) {
  const Json headless{{"kind", "Service"}, {"spec", Json{{"clusterIP", "None"}}}};
  const Json there{{"spec", Json{{"clusterIP", "10.0.0.1"}}}};  // an item of a list
  const Json wanted{{"kind", "Service"}, {"spec", Json{{"type", "ClusterIP"}}}};
  EXPECT_TRUE(has_other_address(there, headless));
  EXPECT_TRUE(has_other_address(headless, wanted));
  EXPECT_FALSE(has_other_address(there, wanted));
  EXPECT_FALSE(has_other_address(headless, headless));
  EXPECT_FALSE(has_other_address(Json{{"spec", Json::object()}}, Json{{"kind", "Deployment"}}));
}

}  // namespace
}  // namespace consort::kube
