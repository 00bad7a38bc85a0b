#include "cli/render/go_template.hpp"

#include <gtest/gtest.h>

namespace consort::cli {
namespace {

std::string run(std::string_view text) {
  static const Json data = parse_json(R"({
    "Name": "/web", "State": {"Status": "running", "Pid": 12}, "Empty": null, "Yes": true,
    "Config": {"Labels": {"a.b": "1", "c": "2"}, "Env": ["A=1", "B=2"]},
    "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]},
                        "Networks": {"n1": {"IPAddress": "10.0.0.2"}, "n0": {"IPAddress": "10.0.1.2"}}}})",
                                      "test")
                               .value();
  const auto made = run_template(text, data);
  return made ? *made : "error: " + made.error().message();
}

TEST(GoTemplate, WhatPeopleAskInspectFor) {
  EXPECT_EQ(run("{{.State.Status}} {{ .State.Pid }}"), "running 12");
  EXPECT_EQ(run("{{index .Config.Labels \"a.b\"}}{{index .Config.Env 1}}"), "1B=2");
  EXPECT_EQ(run("{{ (index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort }}"), "8080");
  EXPECT_EQ(run("{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"), "10.0.1.2 10.0.0.2 ");
  EXPECT_EQ(run("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}"), "a.b=1;c=2;");
  EXPECT_EQ(run("{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}"), "A=1, B=2");
  EXPECT_EQ(run("{{json .Config.Env}} {{.Config.Env}} {{.Config.Labels}}"),
            R"(["A=1","B=2"] [A=1 B=2] map[a.b:1 c:2])");
  EXPECT_EQ(run("{{ $network := index .NetworkSettings.Networks \"n1\" }}{{ $network.IPAddress }}"), "10.0.0.2");
  EXPECT_EQ(run("{{if .Empty}}a{{else if eq .State.Status \"exited\"}}b{{else}}c{{end}}!"), "c!");
  EXPECT_EQ(run("{{with .State}}{{.Pid}}{{end}}{{with .Empty}}x{{else}}none{{end}}"), "12none");
  EXPECT_EQ(run("{{.Name | upper | printf \"%s-%q\" \"x\"}}"), "x-\"/WEB\"");
  EXPECT_EQ(run("a {{- .Yes -}} b{{\"\\n\"}}{{len .Config.Env}}"), "atrueb\n2");
  EXPECT_EQ(run("{{join .Config.Env \",\"}} {{not .Yes}} {{or .Empty .Name}} {{println 1}}"), "A=1,B=2 false /web 1\n");
  EXPECT_EQ(run("{{.Empty}}{{/* nothing */}}"), "<no value>");
}

TEST(GoTemplate, WhatCannotBeIsRefused) {
  for (const char* bad :
       {"{{.State.Nope}}", "{{.Name.First}}", "{{", "{{if .Yes}}", "{{end}}", "{{nope .Name}}", "{{$x}}",
        "{{index .Config.Env 7}}", "{{\"open}}", "{{.Name .Name}}", "{{(.Name}}", "{{range .Config.Env}}"})
    EXPECT_TRUE(run(bad).starts_with("error: ")) << bad << ": " << run(bad);
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "{{if .Yes}}";
  EXPECT_TRUE(run(deep).starts_with("error: "));
  EXPECT_TRUE(run("{{" + std::string(5000, '(')).starts_with("error: "));
}

}  // namespace
}  // namespace consort::cli
