#include "buildkit/solve/attributes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "buildkit/solve/inputs.hpp"

namespace consort::buildkit {
namespace {

using testing::ElementsAre;

TEST(SolveAttributes, BecomeABuildRequest) {
  const auto plan = read_attributes({{"filename", "D"},
                                     {"target", "web"},
                                     {"build-arg:A", "1=2"},
                                     {"label:com.example", "x"},
                                     {"platform", "linux/amd64"},
                                     {"no-cache", ""},
                                     {"image-resolve-mode", "pull"},
                                     {"add-hosts", "a=1.2.3.4,b=::1"},
                                     {"force-network-mode", "none"},
                                     {"shm-size", "1024"},
                                     {"ulimit", "nofile=10:20,nproc=5"},
                                     {"context:base", "docker-image://alpine"},
                                     {"context:lib", "local:lib"},
                                     {"context:other", "input:0-other"},
                                     {"local-sessionid:context", "abc"},
                                     {"attest:provenance", "mode=max"},
                                     {"vcs:source", "x"}});
  ASSERT_TRUE(plan) << plan.error().message();
  const build::BuildRequest& request = plan->request;
  EXPECT_EQ(plan->filename, "D");
  EXPECT_EQ(request.target, "web");
  EXPECT_EQ(request.args.at("A"), "1=2");
  EXPECT_EQ(request.labels.at("com.example"), "x");
  EXPECT_THAT(request.platforms, ElementsAre("linux/amd64"));
  EXPECT_EQ(request.cache, build::CacheUse::ignore);
  EXPECT_EQ(request.pull, build::BasePull::always);
  EXPECT_THAT(request.extra_hosts, ElementsAre("a=1.2.3.4", "b=::1"));
  EXPECT_EQ(request.network, "none");
  EXPECT_EQ(request.shm_size_bytes, 1024U);
  EXPECT_THAT(request.ulimits, ElementsAre(build::Ulimit{"nofile", 10, 20}, build::Ulimit{"nproc", 5, 5}));
  EXPECT_THAT(request.additional_contexts, ElementsAre(build::NamedContext{"base", "docker-image://alpine"}));
  ASSERT_EQ(plan->local_contexts.size(), 1U);
  EXPECT_EQ(plan->local_contexts[0].directory, "lib");
  ASSERT_EQ(plan->built_contexts.size(), 1U);
  EXPECT_EQ(plan->built_contexts[0].input, "0-other");
  EXPECT_EQ(plan->sessions.at("context"), "abc");
}

TEST(SolveAttributes, StagesWithoutCacheAreNamed) {
  const auto plan = read_attributes({{"no-cache", "a,b"}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->request.cache, build::CacheUse::normal);
  EXPECT_THAT(plan->request.no_cache_filter, ElementsAre("a", "b"));
}

TEST(SolveAttributes, NonsenseIsRefused) {
  EXPECT_FALSE(read_attributes({{"ulimit", "nofile"}}));
  EXPECT_FALSE(read_attributes({{"shm-size", "much"}}));
  EXPECT_FALSE(read_attributes({{"filename", ""}}));
  EXPECT_FALSE(read_attributes({{"context:x", "oci-layout://y"}}));
}

TEST(BuiltReferences, ComeBackFromTheClient) {
  const auto back = built_reference(definition_of({"job", "result"}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->job, "job");
  EXPECT_EQ(back->result, "result");
  EXPECT_FALSE(built_reference({}));
}

TEST(Frontends, OnlyTheDockerfilesOwn) {
  EXPECT_TRUE(is_dockerfile_frontend("dockerfile.v0", {}));
  EXPECT_TRUE(is_dockerfile_frontend("gateway.v0", {{"source", "docker/dockerfile:1"}}));
  EXPECT_TRUE(is_dockerfile_frontend("gateway.v0", {{"source", "docker.io/docker/dockerfile@sha256:1"}}));
  EXPECT_FALSE(is_dockerfile_frontend("gateway.v0", {{"source", "example/dockerfile"}}));
  EXPECT_FALSE(is_dockerfile_frontend("gateway.v0", {}));
}

}  // namespace
}  // namespace consort::buildkit
