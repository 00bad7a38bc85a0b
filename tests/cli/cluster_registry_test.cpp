// The registry that is remembered for a cluster's context, from one command to the next.
#include "cli/commands/cluster/cluster_registry.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/os/files/file.hpp"

namespace consort::cli {
namespace {

TEST(ClusterRegistry, IsRememberedForItsContext) {
  std::string directory = testing::TempDir() + "registry-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  ASSERT_TRUE(write_file_atomic(directory + "/kubeconfig", R"({"current-context": "one", "clusters": [
      {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "contexts": [
      {"name": "one", "context": {"cluster": "c"}}, {"name": "two", "context": {"cluster": "c"}}]})"));
  ASSERT_EQ(::setenv("KUBECONFIG", (directory + "/kubeconfig").c_str(), 1), 0);
  ASSERT_EQ(::setenv("XDG_CONFIG_HOME", directory.c_str(), 1), 0);
  ASSERT_EQ(::unsetenv("CONSORT_REGISTRY"), 0);
  Invocation named;
  named.globals.set("registry", "registry.example/team/");
  remember_registry(named, {});
  EXPECT_EQ(registry_of({}, {}).value_or("?"), "registry.example/team");
  EXPECT_EQ(registry_of({}, {"one"}).value_or("?"), "registry.example/team");
  EXPECT_EQ(registry_of({}, {"two"}).value_or("?"), "");
  named.globals = {};
  named.globals.set("registry", "other.example");
  named.dry_run = true;
  remember_registry(named, {"two"});
  EXPECT_EQ(registry_of({}, {"two"}).value_or("?"), "");
  EXPECT_EQ(registry_of(named, {"one"}).value_or("?"), "other.example");
  ASSERT_EQ(::setenv("CONSORT_REGISTRY", "variable.example", 1), 0);
  EXPECT_EQ(registry_of({}, {"one"}).value_or("?"), "variable.example");
  for (const char* name : {"KUBECONFIG", "XDG_CONFIG_HOME", "CONSORT_REGISTRY"}) ::unsetenv(name);
}

}  // namespace
}  // namespace consort::cli
