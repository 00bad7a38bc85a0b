// Parsing a cluster's data, and showing the effect of a change.
#include "kube/observe.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/os/processes/process.hpp"
#include "kube/field_diff.hpp"

namespace consort::kube {
namespace {

TEST(Quantities, HaveTheirUnits) {
  EXPECT_DOUBLE_EQ(quantity_of("250m"), 0.25);
  EXPECT_DOUBLE_EQ(quantity_of("2"), 2);
  EXPECT_DOUBLE_EQ(quantity_of("12345678n"), 0.012345678);
  EXPECT_DOUBLE_EQ(quantity_of("64Mi"), 64.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(quantity_of("1e3"), 1000);
  EXPECT_DOUBLE_EQ(quantity_of("three"), 0);
  EXPECT_DOUBLE_EQ(quantity_of(""), 0);
}

TEST(Processes, AreReadOfProcWithoutTheReader) {
  const auto now = *parse_rfc3339("2026-01-02T00:00:10Z");
  const auto all = parse_processes(
      "P 40\nB 1767312000\n"  // 2026-01-02T00:00:00Z
      "S 1 (a) b) S 0 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 200 0\nU 0\nC /bin/a b \n"
      "S 7 (kworker) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 300 0\nU 1000\nC \n"
      "S 40 (sh) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0\nU 0\nC sh -c look\n"
      "S 41 (tr) S 40 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0\nU 0\nC tr\n"
      "S nonsense\nU 3\nC lost\n",
      now);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].command, "/bin/a b");
  EXPECT_EQ(all[0].user, "root");
  EXPECT_EQ(all[0].time, "00:00:02");
  EXPECT_EQ(all[0].start, "00:00");
  EXPECT_EQ(all[1].command, "kworker");
  EXPECT_EQ(all[1].parent, "1");
  EXPECT_EQ(all[1].user, "1000");
}

// A process's name may contain any character, including line breaks.
TEST(Processes, AreToldApartWhateverTheyAreCalled) {
  Pipe gate = *make_pipe(), ready = *make_pipe();
  const ChildGuard named = *spawn({.argv = {"sh", "-c", "printf 'a) Z 1\\n(b S 2' >/proc/$$/comm; echo; read end"},
                                   .in = gate.read.get(),
                                   .out = ready.write.get()});
  std::byte said{};
  ASSERT_TRUE(read_some(ready.read.get(), std::span(&said, 1)));
  const auto text = run_and_capture({.argv = {"sh", "-c", std::string(script_of_processes())}});
  ASSERT_TRUE(text);
  const auto all = parse_processes(text->out, system_now());
  const auto found = std::ranges::find(all, std::to_string(named.pid()), &Process::pid);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->parent, std::to_string(::getpid()));
}

Json json(const char* text) {
  return parse_json(text, "test").value_or(Json());
}

TEST(FieldDiff, NamesWhatDiffersAndKeepsSecrets) {
  const Json before = json(R"({"kind": "Deployment", "metadata": {"generation": 1, "annotations": {"a.b/c": "x"}},
      "spec": {"replicas": 2, "containers": [{"name": "web", "image": "a:1"}, {"name": "old"}], "args": [1, 2]}, "status": 1})");
  const Json after = json(R"({"kind": "Deployment", "metadata": {"generation": 2, "annotations": {"a.b/c": "y"}},
      "spec": {"replicas": 3, "containers": [{"name": "web", "image": "a:2"}, {"name": "new"}], "args": [1, 3]}, "status": 2})");
  EXPECT_EQ(field_diff(before, after),
            (std::vector<std::string>{
                ".metadata.annotations[a.b/c]: x -> y", ".spec.replicas: 2 -> 3",
                ".spec.containers[web].image: a:1 -> a:2", R"(.spec.containers[old]: {"name":"old"} -> (none))",
                R"(.spec.containers[new]: (none) -> {"name":"new"})", ".spec.args: [1,2] -> [1,3]"}));
  EXPECT_TRUE(field_diff(before, before).empty());
  EXPECT_EQ(field_diff(json(R"({"kind": "Secret", "data": {"a": "YQ=="}})"),
                       json(R"({"kind": "Secret", "data": {"a": "Yg=="}})")),
            std::vector<std::string>{".data: (hidden) -> (hidden)"});
}

}  // namespace
}  // namespace consort::kube
