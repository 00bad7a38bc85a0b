// The API that a service gets if it asks for Docker's socket.
#include "compose/api_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/api_socket.hpp"
#include "project/plan/container_spec.hpp"
#include "scene.hpp"

namespace consort::project {
namespace {

using test::project_of;
using testing::HasSubstr;

Result<engine::ContainerSpec> web_of(const std::string& service, const std::string& file = {}) {
  const compose::Project project = project_of("services:\n  web:\n    image: x\n" + service + file);
  return container_spec(project, project.services.at("web"), {});
}

std::vector<std::string> mounts_of(const std::string& service, const std::string& file = {}) {
  std::vector<std::string> mounts;
  const auto spec = web_of(service, file);
  for (const engine::MountSpec& mount : spec->mounts) mounts.push_back(mount.source + ":" + mount.target);
  return mounts;
}

TEST(ApiSocket, IsTheProjectsOwnUnlessTheFileSaysOtherwise) {
  const std::string own = std::string(engine::project_api) + ":/var/run/docker.sock";
  const std::string bind = "    volumes: ['/var/run/docker.sock:/var/run/docker.sock']\n";
  using testing::ElementsAre;
  EXPECT_THAT(mounts_of(bind), ElementsAre(own));
  EXPECT_THAT(mounts_of("    use_api_socket: true\n"), ElementsAre(own));
  EXPECT_THAT(mounts_of("    use_api_socket: true\n" + bind), ElementsAre(own));
  EXPECT_THAT(mounts_of("    volumes: ['/run/docker.sock:/d.sock:ro']\n"),
              ElementsAre(std::string(engine::project_api) + ":/d.sock"));
  const std::string full = "/var/run/docker.sock:/var/run/docker.sock";
  EXPECT_THAT(mounts_of(bind + "    x-consort: {api_socket: full}\n"), ElementsAre(full));
  EXPECT_THAT(mounts_of("    use_api_socket: true\n", "x-consort: {api_socket: full}\n"), ElementsAre(full));
  EXPECT_THAT(mounts_of(bind + "    x-consort: {api_socket: project}\n", "x-consort: {api_socket: full}\n"),
              ElementsAre(own));
  EXPECT_THAT(mounts_of("    volumes: ['/srv/docker.sock:/var/run/docker.sock']\n"),
              ElementsAre("/srv/docker.sock:/var/run/docker.sock"));
}

TEST(ApiSocket, IsToldAndMakesAContainerAnewWhenItBecomesAnother) {
  const auto limited = web_of("    use_api_socket: true\n"), nothing = web_of("");
  const auto full = web_of("    use_api_socket: true\n    x-consort: {api_socket: full}\n");
  EXPECT_THAT(told_api_socket(*limited), HasSubstr("of this project only"));
  EXPECT_THAT(told_api_socket(*full), HasSubstr("root access"));
  EXPECT_EQ(told_api_socket(*nothing), "");
  const auto hash = [](const auto& spec) { return spec->labels.at("com.docker.compose.config-hash"); };
  EXPECT_NE(hash(limited), hash(full));
  const auto wrong = web_of("    use_api_socket: true\n    x-consort: {api_socket: some}\n");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("\"project\" or \"full\""));
}

}  // namespace
}  // namespace consort::project
