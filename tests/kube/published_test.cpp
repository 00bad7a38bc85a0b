// Ports that are open to the outside by Ingresses and HTTPRoutes.
#include <gtest/gtest.h>

#include <map>

#include "kube/packages.hpp"
#include "support.hpp"

namespace consort::kube {
namespace {

// The last object of a file with one service, and what is said of it.
std::string front(const std::string& how, const std::string& ports = "[\"8080:80\"]") {
  const std::string yaml =
      "services:\n  web:\n    image: x\n    ports: " + ports + "\nx-consort: {kubernetes: {" + how + "}}\n";
  const Made made = make(project_of(yaml));
  for (const char* kind : {"kind: Ingress\n", "kind: HTTPRoute\n"})
    if (const std::size_t at = made.yaml.find(kind); at != std::string::npos) {
      const std::size_t begin = made.yaml.rfind("---\n", at) + 4;
      return made.yaml.substr(begin, made.yaml.find("---\n", at) - begin) + made.notes;
    }
  return made.notes;
}

TEST(Fronts, LeadToOnePortByHostAndPath) {
  EXPECT_EQ(front("publish: ingress, host: [a.example, b.example], class: nginx, tls: cert, path: /shop"),
            R"(apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  labels:
    app.kubernetes.io/managed-by: consort
    app.kubernetes.io/name: web
    app.kubernetes.io/part-of: app
  name: web
spec:
  ingressClassName: nginx
  rules:
    - host: a.example
      http:
        paths:
          - backend:
              service:
                name: web-published
                port:
                  number: 8080
            path: /shop
            pathType: Prefix
    - host: b.example
      http:
        paths:
          - backend:
              service:
                name: web-published
                port:
                  number: 8080
            path: /shop
            pathType: Prefix
  tls:
    - hosts:
        - a.example
        - b.example
      secretName: cert
)");
  const std::string route = front("publish: gateway, gateway: infra/main, host: a.example");
  for (const char* words :
       {"gateway.networking.k8s.io/v1", "namespace: infra", "name: main", "- a.example", "port: 8080", "PathPrefix"})
    EXPECT_NE(route.find(words), std::string::npos) << route;
  const std::string named = front("publish: ingress", "[\"1:1\", {target: 80, name: http}, \"53:53/udp\"]");
  EXPECT_NE(named.find("number: 80\n"), std::string::npos) << named;
  EXPECT_NE(named.find("port 1 of \"web\" is not behind the ingress"), std::string::npos) << named;
  EXPECT_NE(named.find("port 53 of"), std::string::npos) << named;
}

TEST(Fronts, ThatLeadNowhereAreRefused) {
  EXPECT_NE(front("publish: gateway").find("does not say which one"), std::string::npos);
  EXPECT_NE(front("publish: teleport").find("unknown way to publish"), std::string::npos);
  const auto refusals = [](const std::string& second) {
    return make(project_of("services:\n  a: {image: x, ports: [\"1:80\"]}\n  b: {image: x, ports: [\"2:80\"]" + second +
                           "}\nx-consort: {kubernetes: {publish: ingress, host: a.example}}\n"))
        .refusals;
  };
  EXPECT_EQ(refusals(""), 1U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {path: /b}}"), 0U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {publish: forward}}"), 0U);
}

TEST(Packages, LetAChartsUserChooseHosts) {
  const compose::Project project = project_of(
      "services:\n  web: {image: x, ports: [\"80:80\"]}\n"
      "x-consort: {kubernetes: {publish: ingress, host: [a.example, b.example], tls: cert}}\n");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto files = helm_chart(*manifests, "app");
  ASSERT_TRUE(files);
  std::map<std::string, std::string> texts;
  for (const PackagedFile& file : *files) texts[file.path] = file.text;
  EXPECT_NE(texts["values.yaml"].find("hosts:\n  web: a.example\n  web-2: b.example\n"), std::string::npos)
      << texts["values.yaml"];
  const std::string& web = texts["templates/web.yaml"];
  EXPECT_EQ(web.find("a.example"), std::string::npos) << web;
  for (const char* words :
       {"- host: {{ index .Values.hosts \"web\" | quote }}", "- {{ index .Values.hosts \"web-2\" | quote }}"})
    EXPECT_NE(web.find(words), std::string::npos) << web;
}

}  // namespace
}  // namespace consort::kube
