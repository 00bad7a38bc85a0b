// Ports that are open to the outside through Ingresses and HTTPRoutes.
#include <gtest/gtest.h>

#include <map>

#include "kube/packages.hpp"
#include "support.hpp"

namespace consort::kube {
namespace {

// The last object for a file with one service, and the messages about it.
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

TEST(Fronts, LeadToAPortHoweverOftenItIsPublished) {
  EXPECT_EQ(front("publish: ingress", "[\"8080:80\", \"8081:80\"]").find("not behind"), std::string::npos);
  const std::string other = front("publish: ingress", "[\"8080:80\", \"8443:443\", \"9443:443\", \"80:80/udp\"]");
  EXPECT_EQ(other.find("port 443 of"), other.rfind("port 443 of")) << other;
  EXPECT_NE(other.find("port 80 of"), std::string::npos) << other;
}

TEST(Fronts, ThatLeadNowhereAreRefused) {
  for (const auto& [how, words] : {
           std::pair("publish: gateway", "does not say which one"),
           std::pair("publish: teleport", "unknown way to publish"),
           std::pair("publish: ingress, host: 'https://a.example'", "\"https://a.example\" is not the name of a host"),
           std::pair("publish: ingress, host: 'a.example:8080'", "is not the name of a host"),
           std::pair("publish: ingress, host: 10.0.0.1", "is not the name of a host"),
           std::pair("publish: ingress, host: a.*.example", "is not the name of a host"),
           std::pair("publish: ingress, host: -a.example", "is not the name of a host"),
           std::pair("publish: ingress, path: shop", "\"shop\" is not a path"),
           std::pair("publish: ingress, path: /a//b", "is not a path"),
           std::pair("publish: ingress, path: /a/../b", "is not a path"),
           std::pair("publish: ingress, path: '/a%2fb'", "is not a path"),
           std::pair("publish: ingress, path: '/a?b=c'", "is not a path"),
           std::pair("publish: ingress, path: '/(.*)|'", "is not a path"),
           std::pair("publish: ingress, class: My_Class", "cannot be the name of an IngressClass"),
           std::pair("publish: ingress, tls: certs/own.pem", "cannot be the name of a Secret"),
           std::pair("publish: gateway, gateway: a/b/c", "cannot be the name of a Gateway"),
       }) {
    const std::string told = front(how);
    EXPECT_TRUE(told.starts_with("5: ") && told.find(words) != std::string::npos) << how << "\n" << told;
  }
  const auto refusals = [](const std::string& second) {
    return make(project_of("services:\n  a: {image: x, ports: [\"1:80\"]}\n  b: {image: x, ports: [\"2:80\"]" + second +
                           "}\nx-consort: {kubernetes: {publish: ingress, host: a.example}}\n"))
        .refusals;
  };
  EXPECT_EQ(refusals(""), 1U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {path: /b}}"), 0U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {publish: forward}}"), 0U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {host: A.Example, path: /}}"), 1U);
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {class: other}}"), 0U);  // two entry points
  EXPECT_EQ(refusals(", x-consort: {kubernetes: {publish: gateway, gateway: main}}"), 0U);
}

TEST(Fronts, AreToldOnceWhereAllServicesHaveThemFromTheFile) {
  const Made made =
      make(project_of("services:\n  a: {image: x, ports: [\"1:80\"]}\n  b: {image: x, ports: [\"2:80\"]}\n"
                      "x-consort:\n  kubernetes:\n    publish: teleport\n"));
  EXPECT_EQ(made.refusals, 1U) << made.notes;
  EXPECT_TRUE(made.notes.starts_with("6: ")) << made.notes;
}

TEST(Fronts, HaveOneSpelling) {
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  const std::string made =
      front("publish: ingress, host: [Shop.Example, shop.example, '', '*.b.example'], path: /shop/");
  EXPECT_TRUE(has(made, "host: shop.example\n") && has(made, "host: '*.b.example'\n")) << made;
  EXPECT_TRUE(has(made, "path: /shop\n") && !has(made, "Shop")) << made;
  const std::string open = front("publish: ingress");
  EXPECT_TRUE(has(open, "path: /\n") && !has(open, "host:")) << open;
}

// An entry point speaks HTTP without TLS to its backends.
TEST(Fronts, LeadToAPortWithTlsOnlyWhereThereIsNoOther) {
  const auto leads_to = [](const char* ports, const char* number) {
    return front("publish: ingress", ports).find(std::string("number: ") + number + "\n") != std::string::npos;
  };
  EXPECT_TRUE(leads_to("[{target: 443, name: https}, {target: 9000}, {target: 80, name: http}]", "80"));
  EXPECT_TRUE(leads_to("[{target: 443, app_protocol: https}, \"8080:80\"]", "8080"));
  EXPECT_TRUE(leads_to("[{target: 443, name: https}]", "443"));
}

TEST(Fronts, SayWhatTheyLeaveOut) {
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  const std::string typo = front("publish: ingress, hosts: a.example");
  EXPECT_TRUE(has(typo, "5: x-consort.kubernetes.hosts is left out: there is no such setting")) << typo;
  const std::string route = front("publish: gateway, gateway: main, tls: cert, class: nginx");
  EXPECT_TRUE(has(route, "5: tls is left out") && has(route, "5: class is left out")) << route;
  const Made none = make(project_of("services:\n  web: {image: x, x-consort: {kubernetes: {publish: ingress}}}\n"));
  EXPECT_TRUE(none.notes.starts_with("2: service \"web\" has no ports")) << none.notes;
}

// The entry point is not a pod of the project.
TEST(Fronts, ReachServicesThatNetworksKeepApart) {
  const std::string yaml =
      make(project_of("services:\n  web: {image: x, ports: [\"8080:80\"], networks: [front]}\n"
                      "  db: {image: x, networks: [back]}\nnetworks: {front: , back: {internal: true}}\n"
                      "x-consort: {kubernetes: {publish: ingress}}\n"))
          .yaml;
  EXPECT_NE(
      yaml.find("  name: web-published\nspec:\n  ingress:\n    - ports:\n        - port: 80\n          protocol: TCP\n"
                "  podSelector:"),
      std::string::npos)
      << yaml;
}

TEST(OpenServices, AreNotThoseOfOthers) {
  const std::string open = "x-consort: {kubernetes: {publish: load-balancer}}\n";
  const Made made =
      make(project_of("services:\n  web: {image: x, ports: [\"1:80\"]}\n  web-published: {image: x}\n" + open));
  EXPECT_EQ(made.refusals, 1U) << made.notes;
  const std::string many(55, 'a');  // its names are truncated
  const Made cut = make(project_of("services:\n  " + many + "b: {image: x, ports: [\"1:80\"]}\n  " + many +
                                   "c: {image: x, ports: [\"2:80\"]}\n" + open));
  EXPECT_EQ(cut.refusals, 1U) << cut.notes;
}

TEST(Packages, LetAChartsUserChooseHosts) {
  const compose::Project project = project_of(
      "services:\n  web: {image: x, ports: [\"80:80\"]}\n"
      "  web-2: {image: x, ports: [\"81:80\"], x-consort: {kubernetes: {host: c.example}}}\n"
      "x-consort: {kubernetes: {publish: ingress, host: [a.example, b.example], tls: cert}}\n");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto files = helm_chart(*manifests, "app");
  ASSERT_TRUE(files);
  std::map<std::string, std::string> texts;
  for (const PackagedFile& file : *files) texts[file.path] = file.text;
  EXPECT_NE(texts["values.yaml"].find("hosts:\n  web: a.example\n  web-2: c.example\n  web_2: b.example\n"),
            std::string::npos)
      << texts["values.yaml"];
  const std::string& web = texts["templates/web.yaml"];
  EXPECT_EQ(web.find("a.example"), std::string::npos) << web;
  for (const char* words :
       {"- host: {{ index .Values.hosts \"web\" | quote }}", "- {{ index .Values.hosts \"web_2\" | quote }}"})
    EXPECT_NE(web.find(words), std::string::npos) << web;
}

}  // namespace
}  // namespace consort::kube
