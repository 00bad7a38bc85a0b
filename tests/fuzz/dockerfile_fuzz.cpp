// Dockerfiles are untrusted: any of them is parsed, interpreted, drawn as a graph and planned.
#include <cstddef>
#include <cstdint>
#include <string>

#include "build/context/pattern.hpp"
#include "build/dockerfile/expand.hpp"
#include "build/plan/stage_plan.hpp"

using namespace consort::build;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto ignore = PatternList::parse(parse_ignore_file(text))) {
    for (const char* path : {"a", "a/b.c", "src/main.go", "..", "x/y/z/\xc3\xa9"}) {
      (void)ignore->matches(path);
      (void)ignore->may_take_back_below(path);
    }
  }
  const auto variable = [](std::string_view name) -> std::optional<std::string> {
    if (name.size() > 3) return std::nullopt;
    return name.empty() ? "" : "v*/" + std::string(name);
  };
  for (const auto quotes : {Quotes::remove, Quotes::keep}) (void)expand(text, variable, {.quotes = quotes});
  const auto dockerfile = parse_dockerfile(std::move(text), "Dockerfile");
  if (!dockerfile) return 0;
  (void)dump(*dockerfile);
  auto checks = Checks::of(*dockerfile);
  auto file = interpret(*dockerfile);
  if (!file || !checks) return 0;
  check_text(*dockerfile, *file, *checks);
  BuildRequest request;
  request.args["A"] = "given";
  const auto graph = make_graph(*dockerfile, std::move(*file), request, consort::image::Platform::host(), *checks);
  if (!graph) return 0;
  for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
    if (graph->nodes[i].implicit || graph->nodes[i].base == Node::Base::stage) continue;
    const PlanInput input{.graph = *graph, .request = request, .node = i, .base = {}, .escape = dockerfile->escape};
    (void)plan_stage(input, *checks);
  }
  return 0;
}
