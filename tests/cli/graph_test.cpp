#include <gtest/gtest.h>

#include "cli/render/line_diff.hpp"
#include "cli/render/service_graph.hpp"

namespace consort::cli {
namespace {

compose::Project shop() {
  compose::Project project;
  project.name = "shop";
  for (const char* name : {"web", "api", "db"}) project.services[name].name = name;
  project.services["web"].depends_on["api"] = {};
  project.services["web"].image = "a<b>";
  project.services["api"].depends_on["db"].condition = compose::DependencyCondition::healthy;
  project.services["api"].depends_on["db"].required = false;
  return project;
}

TEST(ServiceGraph, IsTextInTheOrderOfTheStart) {
  EXPECT_EQ(*service_graph(shop(), "text"), "db\napi  after db (healthy) if it is there\nweb  after api\n");
}

TEST(ServiceGraph, IsMermaid) {
  EXPECT_EQ(*service_graph(shop(), "mermaid"),
            "flowchart LR\n  s0[\"api\"]\n  s1[\"db\"]\n  s2[\"web\"]\n  s0 -.->|healthy| s1\n  s2 --> s0\n");
  EXPECT_EQ(service_graph(shop(), "svg").error().code(), Code::invalid);
}

// The expected text is Docker Compose's, which lists services in random order.
TEST(ServiceGraph, IsGraphvizInDockersWords) {
  compose::Project project = shop();
  project.services.erase("db");
  project.services["api"].depends_on.clear();
  project.services["web"].networks["front"] = {};
  project.services["web"].ports.push_back(
      {.mode = "ingress", .host_ip = "127.0.0.1", .target = 80, .published = "8080", .protocol = "tcp"});
  EXPECT_EQ(viz_graph(project, {}),
            "digraph \"shop\" {\n\tlayout=dot;\n"
            "\t\"api\" [style=\"filled\" label=<<font point-size=\"15\">api</font>>];\n"
            "\t\"web\" [style=\"filled\" label=<<font point-size=\"15\">web</font>>];\n"
            "\n\t\"web\" -> \"api\";\n}\n");
  const std::string whole = viz_graph(project, {.networks = true, .ports = true, .image = true, .indent = "  "});
  EXPECT_NE(whole.find("<b>Networks:</b><br/>front</font><font point-size=\"10\"><br/><br/><b>Ports:</b><br/>"
                       "127.0.0.1:8080:80 (tcp, ingress)</font><font "
                       "point-size=\"10\"><br/><br/><b>Image:</b><br/>a&lt;b&gt;</font>"),
            std::string::npos)
      << whole;
}

TEST(LineDiff, ShowsWhatChangesWithALittleAroundIt) {
  EXPECT_EQ(line_diff("f", "a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(line_diff("f", "1\n2\n3\n4\n5\n6\n", "1\n2\n3\nfour\n5\n6\n"),
            "--- f\n+++ f\n@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+four\n 5\n 6\n");
  EXPECT_EQ(line_diff("f", "a\n", "a\nb\n"), "--- f\n+++ f\n@@ -1,1 +1,2 @@\n a\n+b\n");
  EXPECT_EQ(line_diff("f", "a\nb\n", "b\n"), "--- f\n+++ f\n@@ -1,2 +1,1 @@\n-a\n b\n");
}

}  // namespace
}  // namespace consort::cli
