#include "kube/as_applied.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace consort::kube {
namespace {

Json json(const std::string& text) {
  return parse_json(text, "test").value_or(Json());
}

TEST(AsApplied, WhatIsThereIsNotAppliedAgain) {
  const std::string object =
      R"({"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"spec":{"ports":[{"port":1},{"port":2}],"x":{}}})";
  const Json wanted = to_apply(object).value_or(Json());
  Json there = wanted;
  there["metadata"]["resourceVersion"] = "7";  // added by the server
  there["spec"]["ports"][0]["protocol"] = "TCP";
  for (const char* key : {"apiVersion", "kind"}) there.erase(key);  // as in a list
  EXPECT_TRUE(is_as_applied(there, wanted));
  EXPECT_EQ(without_digest(wanted), json(object));

  Json other = there;
  other["spec"]["ports"][1]["port"] = 3;
  EXPECT_FALSE(is_as_applied(other, wanted));
  other = there;
  other["spec"]["ports"].push_back(json(R"({"port":3})"));
  EXPECT_FALSE(is_as_applied(other, wanted));
  other = there;
  other["spec"].erase("x");
  EXPECT_FALSE(is_as_applied(other, wanted));
  other = there;
  other["metadata"]["deletionTimestamp"] = "now";
  EXPECT_FALSE(is_as_applied(other, wanted));
}

// Otherwise the field would stay forever.
TEST(AsApplied, AFieldThatIsNoLongerWantedIsMissed) {
  const Json before = to_apply(R"({"metadata":{"name":"a"},"spec":{"x":1,"y":2}})").value_or(Json());
  const Json wanted = to_apply(R"({"metadata":{"name":"a"},"spec":{"x":1}})").value_or(Json());
  EXPECT_FALSE(is_as_applied(before, wanted));
  EXPECT_EQ(without_digest(json(R"({"metadata":{}})")), json(R"({"metadata":{}})"));
}

}  // namespace
}  // namespace consort::kube
