// A model and a snapshot in, a plan as text out.
#include <gmock/gmock.h>

#include "project/plan/image_volumes.hpp"
#include "scene.hpp"

namespace consort::project::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* tutorial = R"(
services:
  db:
    image: postgres:15
    container_name: lms_postgres
    volumes: [data:/var/lib/postgresql/data]
    healthcheck: {test: [CMD, "true"]}
  web:
    image: web
    depends_on: {db: {condition: service_healthy}}
volumes: {data: }
)";

TEST(Converge, NothingThere) {
  const compose::Project project = project_of(tutorial);
  Observed nothing;
  EXPECT_EQ(plan_text(project, nothing),
            "[] -> #1 network app_default, create, no network with this name\n"
            "[] -> #2 volume app_data, create, no volume with this name\n"
            "[1,2] -> #3 container lms_postgres, create, no container for this replica\n"
            "[1,3] -> #4 container app-web-1, create, no container for this replica\n"
            "[1,2,3,4] -> #5 all created\n"
            "[5] -> #6 container lms_postgres, start\n"
            "[6] -> #7 container lms_postgres, wait until healthy\n"
            "[5,7] -> #8 container app-web-1, start\n");
}

TEST(Converge, EverythingRunsAlready) {
  const compose::Project project = project_of(tutorial);
  Scene scene(project);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("web");
  const auto plan = plan_converge(project, scene.observed, {});
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->changes_anything()) << plan->to_string();
  EXPECT_EQ(plan->to_string(),
            "[] -> #1 container lms_postgres, keep, up to date\n"
            "[] -> #2 container app-web-1, keep, up to date\n"
            "[] -> #3 all created\n"
            "[] -> #4 container lms_postgres, keep, Healthy already\n");
}

TEST(Converge, ADependencyThatIsNotHealthyIsWaitedForAgain) {
  const compose::Project project = project_of(tutorial);
  Scene scene(project);
  scene.run("db").state.health.status = engine::HealthStatus::starting;
  scene.run("web", 1, engine::Status::exited);
  const std::string text = plan_text(project, scene.observed);
  EXPECT_THAT(text, HasSubstr("container lms_postgres, wait until healthy"));
  EXPECT_THAT(text, HasSubstr("container app-web-1, start, not running"));
}

TEST(Converge, ChangedConfigurationRecreatesOnlyThatService) {
  const compose::Project before = project_of(tutorial);
  Scene scene(before);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("web");
  compose::Project after = before;
  after.services.at("web").environment["DEBUG"] = "1";
  const std::string text = plan_text(after, scene.observed);
  EXPECT_THAT(text, HasSubstr("container aaaaaaaaaawe_app-web-1, create, configuration has changed (line "));
  EXPECT_THAT(text, HasSubstr("[2] -> #3 container app-web-1, stop\n"
                              "[2,3] -> #4 container app-web-1, remove, replaced\n"
                              "[4] -> #5 container aaaaaaaaaawe_app-web-1, rename to app-web-1\n"));
  EXPECT_THAT(text, HasSubstr("container lms_postgres, keep"));
}

TEST(Converge, WhatDoesNotConcernTheContainerDoesNotRecreateIt) {
  const compose::Project before = project_of(tutorial);
  Scene scene(before);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("web");
  compose::Project after = before;
  after.services.at("web").depends_on.clear();
  after.services.at("web").pull_policy = "always";
  EXPECT_THAT(plan_text(after, scene.observed), Not(HasSubstr("remove")));
}

TEST(Converge, NewImageRecreates) {
  const compose::Project project = project_of(tutorial);
  Scene scene(project);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("web");
  scene.observed.images["web"] = "sha256:2";
  EXPECT_THAT(plan_text(project, scene.observed), HasSubstr("image has changed"));
}

TEST(Converge, AMountedImageThatHasChangedRecreates) {
  const compose::Project project =
      project_of("services: {web: {image: x, volumes: [{type: image, source: site, target: /data}]}}");
  Scene scene(project);
  engine::Container& web = scene.run("web");
  scene.observed.images["site"] = "sha256:2";
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("remove"))) << "made by an earlier version";
  web.labels[label::image_volumes] = "/other=sha256:1,/data=sha256:2";
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("remove")));
  web.labels[label::image_volumes] = image_volume("/data", "sha256:1");
  EXPECT_THAT(plan_text(project, scene.observed), HasSubstr("the image that it mounts at /data has changed"));
  scene.observed.images.erase("site");
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("remove"))) << "not on this machine";
}

TEST(Converge, AMountedImageMayBeAtATargetWithACommaInIt) {
  const compose::Project project =
      project_of("services: {web: {image: x, volumes: [{type: image, source: site, target: '/a,b'}]}}");
  Scene scene(project);
  scene.observed.images["site"] = "sha256:2";
  engine::Container& web = scene.run("web");
  web.labels[label::image_volumes] = "/other=sha256:1," + image_volume("/a,b", "sha256:2");
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("remove")));
  web.labels[label::image_volumes] = image_volume("/a,b", "sha256:1") + ",/other=sha256:2";
  EXPECT_THAT(plan_text(project, scene.observed), HasSubstr("the image that it mounts at /a,b has changed"));
}

TEST(Converge, RecreatePolicies) {
  const compose::Project project = project_of(tutorial);
  Scene scene(project);
  scene.run("db").state.health.status = engine::HealthStatus::healthy;
  scene.run("web").labels[label::config_hash] = "old";
  EXPECT_THAT(plan_text(project, scene.observed, {.recreate = Recreate::never}), Not(HasSubstr("create,")));
  const std::string forced = plan_text(project, scene.observed, {.named = {"web"}, .recreate = Recreate::always});
  EXPECT_THAT(forced, HasSubstr("_app-web-1, create, forced"));
  EXPECT_THAT(forced, HasSubstr("container lms_postgres, keep"));
}

TEST(Converge, ScaleUpTakesTheNextNumbersAndDownRemovesTheHighest) {
  const compose::Project project = project_of("services: {a: {image: x}}");
  Scene scene(project);
  scene.run("a", 1);
  scene.run("a", 3);
  const std::string up = plan_text(project, scene.observed, {.scale = {{"a", 3}}});
  EXPECT_THAT(up, HasSubstr("container app-a-4, create"));
  EXPECT_THAT(up, Not(HasSubstr("remove")));
  const std::string down = plan_text(project, scene.observed, {.scale = {{"a", 1}}});
  EXPECT_THAT(down, HasSubstr("container app-a-3, stop"));
  EXPECT_THAT(down, HasSubstr("container app-a-3, remove, more replicas than wanted"));
  EXPECT_THAT(down, HasSubstr("container app-a-1, keep"));
}

TEST(Converge, ACustomNameCannotBeScaled) {
  const compose::Project project = project_of(tutorial);
  EXPECT_THAT(plan_text(project, {}, {.scale = {{"db", 2}}}), HasSubstr("custom container name \"lms_postgres\""));
}

TEST(Converge, ReplicasStartOneAfterTheOther) {
  const compose::Project project = project_of("services: {a: {image: x, scale: 2}}");
  EXPECT_THAT(plan_text(project, {}),
              HasSubstr("[4] -> #5 container app-a-1, start\n[4,5] -> #6 container app-a-2, start\n"));
}

TEST(Converge, OrphansAreToldOrRemoved) {
  const compose::Project before = project_of("services: {a: {image: x}, gone: {image: x}}");
  Scene scene(before);
  scene.run("a");
  scene.run("gone");
  compose::Project after = before;
  after.services.erase("gone");
  EXPECT_THAT(plan_text(after, scene.observed), HasSubstr("Found orphan containers ([app-gone-1]) for this project."));
  EXPECT_THAT(plan_text(after, scene.observed, {.orphans = Orphans::remove}),
              HasSubstr("container app-gone-1, remove, its service is not in the file"));
  EXPECT_THAT(plan_text(after, scene.observed, {.orphans = Orphans::ignore}), Not(HasSubstr("gone")));
}

TEST(Converge, ExternalResourcesMustExist) {
  const compose::Project network =
      project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {external: true}}");
  EXPECT_EQ(plan_text(network, {}), "error: network n declared as external, but could not be found\n");
  const compose::Project volume =
      project_of("services: {a: {image: x, volumes: ['vv:/v']}}\nvolumes: {vv: {external: true}}");
  EXPECT_EQ(plan_text(volume, {}), "error: external volume \"vv\" not found\n");
}

// The container is moved to the new network and not recreated.
TEST(Converge, AChangedNetworkKeepsItsContainers) {
  const compose::Project before = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {}}");
  Scene scene(before);
  scene.run("a");
  const compose::Project after =
      project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {internal: true}}");
  const std::string text = plan_text(after, scene.observed);
  EXPECT_THAT(text, HasSubstr("[] -> #1 container app-a-1, stop\n"
                              "[1] -> #2 container app-a-1, disconnect from app_n, its network is recreated\n"
                              "[2] -> #3 network app_n, remove, configuration has changed\n"
                              "[3] -> #4 network app_n, create, configuration has changed\n"
                              "[1,4] -> #5 container app-a-1, connect to app_n\n"));
  EXPECT_THAT(text, HasSubstr("container app-a-1, start, not running\n"));
  // As in Docker Compose, only "Removed" is shown.
  const Plan plan = plan_converge(after, scene.observed, {}).value();
  const auto removal = std::ranges::find_if(plan.operations(), &Operation::is<RemoveNetwork>);
  ASSERT_NE(removal, plan.operations().end());
  EXPECT_EQ(removal->before, "");
  EXPECT_EQ(removal->after, "Removed");
}

TEST(Converge, ARenamedNetworkKeepsItsContainers) {
  const compose::Project before = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {}}");
  Scene scene(before);
  scene.run("a");
  const compose::Project after = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {name: other}}");
  const std::string text = plan_text(after, scene.observed);
  EXPECT_THAT(text, HasSubstr("[] -> #1 network other, create, was app_n\n"
                              "[] -> #2 container app-a-1, stop\n"
                              "[2] -> #3 container app-a-1, disconnect from app_n, its network is recreated\n"
                              "[1,3] -> #4 network app_n, remove if possible, is other now\n"
                              "[1,2] -> #5 container app-a-1, connect to other\n"));
  EXPECT_THAT(text, HasSubstr("container app-a-1, start, not running\n"));
}

// A network that the user created with a project's labels: nothing in it says which file it is from.
TEST(Converge, ANetworkWithoutAHashIsNeverTouched) {
  const compose::Project project = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {}}");
  Scene scene(project);
  engine::Network& network = scene.observed.networks.at(0);
  network.spec.labels.erase(label::config_hash);
  network.spec.internal = true;
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("network app_n")));
  network.spec.name = "other";
  const std::string text = plan_text(project, scene.observed);
  EXPECT_THAT(text, HasSubstr("network app_n, create"));
  EXPECT_THAT(text, Not(HasSubstr("other")));
}

TEST(Converge, OfTwoNetworksWithTheLabelsOfOneTheOtherIsTold) {
  const compose::Project project = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {}}");
  Scene scene(project);
  engine::Network other = scene.observed.networks.at(0);
  other.id = "0123456789abcdef";
  other.spec.name = "other";
  scene.observed.networks.push_back(other);
  const auto plan = plan_converge(project, scene.observed, {});
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->warnings, testing::ElementsAre(testing::AllOf(HasSubstr("other (0123456789ab)"),
                                                                  HasSubstr("consort network rm other"))));
  EXPECT_THAT(plan_text(project, scene.observed), Not(HasSubstr("network other")));
}

TEST(Converge, OptionsOfTheIpamDriverReachTheNetwork) {
  const compose::Project project =
      project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {ipam: {options: {k: v}}}}");
  EXPECT_THAT(network_spec(project, "n").ipam_options, testing::ElementsAre(testing::Pair("k", "v")));
}

// Another command was killed after it had disconnected the container.
TEST(Converge, AStoppedContainerIsConnectedToWhatItLacks) {
  const compose::Project project = project_of("services: {a: {image: x, networks: [n]}}\nnetworks: {n: {}}");
  Scene scene(project);
  scene.run("a", 1, engine::Status::exited).networks.clear();
  EXPECT_THAT(plan_text(project, scene.observed),
              HasSubstr("[] -> #1 container app-a-1, connect to app_n, is not on network app_n\n"));
}

// `up a` does not select b, but b was on the network.
TEST(Converge, ContainersOfOtherServicesGoOnOnTheNewNetwork) {
  const char* const services = "services: {a: {image: x, networks: [n]}, b: {image: x, networks: [n]}}\n";
  const compose::Project before = project_of(std::string(services) + "networks: {n: {}}");
  Scene scene(before);
  scene.run("b");
  compose::Project after = project_of(std::string(services) + "networks: {n: {internal: true}}");
  after.services.erase("b");
  EXPECT_THAT(plan_text(after, scene.observed),
              HasSubstr("container app-b-1, connect to app_n\n"
                        "[6] -> #7 container app-b-1, start, was stopped for its network\n"));
}

TEST(Converge, AChangedVolumeIsReplacedOnlyWhenTheUserSaysSo) {
  const compose::Project before = project_of("services: {a: {image: x, volumes: ['data:/d']}}\nvolumes: {data: {}}");
  Scene scene(before);
  scene.run("a");
  const compose::Project after =
      project_of("services: {a: {image: x, volumes: ['data:/d']}}\nvolumes: {data: {labels: {x: y}}}");
  EXPECT_THAT(plan_text(after, scene.observed), Not(HasSubstr("volume app_data, remove")));
  std::string question;
  ConvergeOptions options;
  options.confirm = [&](const std::string& text) {
    question = text;
    return true;
  };
  EXPECT_THAT(plan_text(after, scene.observed, options),
              HasSubstr("volume app_data, remove, configuration has changed"));
  EXPECT_THAT(question, HasSubstr("data will be lost"));
}

TEST(Converge, WhoseNamespaceIsSharedMustHaveAContainer) {
  compose::Project project =
      project_of("services: {app: {image: x, network_mode: 'service:vpn', volumes_from: [vpn]}, vpn: {image: x}}");
  const Scene empty(project);
  Scene scene(project);
  scene.run("vpn");
  project.disabled_services.insert(project.services.extract("vpn"));  // up --no-deps app
  const auto refused = plan_converge(project, empty.observed, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "cannot share network namespace with service vpn: container missing");
  EXPECT_TRUE(plan_converge(project, scene.observed, {}));
}

TEST(Converge, ANameThatAnotherProjectHasIsRefusedBeforeAnythingIsMade) {
  const compose::Project project = project_of("services: {a: {image: x}, g: {image: x, container_name: global}}");
  Scene scene(project);
  engine::Container other;
  other.id = "0123";
  other.name = "global";
  other.project = "elsewhere";
  scene.observed.taken_names.emplace("global", other);
  const auto refused = plan_converge(project, scene.observed, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("\"/global\" is already in use by container \"0123\""));
  EXPECT_THAT(refused.error().hint_text(), HasSubstr("of project elsewhere"));
}

TEST(Converge, AnonymousVolumesGoOnUnlessRenewed) {
  const compose::Project project = project_of("services: {a: {image: x, volumes: [/cache]}}");
  Scene scene(project);
  scene.run("a").mounts = {{.name = "f00d", .target = "/cache", .anonymous = true}};
  const auto plan = plan_converge(project, scene.observed, {.recreate = Recreate::always});
  ASSERT_TRUE(plan);
  ASSERT_TRUE(plan->operations()[0].is<CreateContainer>());
  EXPECT_EQ(plan->operations()[0].as<CreateContainer>()->spec->mounts[0].source, "f00d");
  const auto renewed = plan_converge(project, scene.observed, {.renew_anonymous_volumes = true});
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->operations()[0].as<CreateContainer>()->spec->mounts[0].source, "");
}

TEST(Converge, DependentsWithRestartAreStoppedBeforeAndStartedAfter) {
  const compose::Project before = project_of(
      "services: {db: {image: x}, web: {image: x, depends_on: {db: {condition: service_started, restart: true}}}}");
  Scene scene(before);
  scene.run("db");
  scene.run("web");
  compose::Project after = before;
  after.services.at("db").environment["X"] = "1";
  const std::string text = plan_text(after, scene.observed);
  const auto stop_web = text.find("container app-web-1, stop");
  const auto stop_db = text.find("container app-db-1, stop");
  ASSERT_NE(stop_web, std::string::npos) << text;
  EXPECT_LT(stop_web, stop_db) << text;
  EXPECT_THAT(text, HasSubstr("container app-web-1, start, not running"));
}

TEST(Converge, AnInterruptedRecreationIsFinished) {
  const compose::Project project = project_of("services: {a: {image: x}}");
  Scene scene(project);
  scene.run("a", 1, engine::Status::created).name = "0123456789ab_app-a-1";
  const std::string text = plan_text(project, scene.observed);
  EXPECT_THAT(text,
              HasSubstr("container 0123456789ab_app-a-1, rename to app-a-1, an earlier recreation was interrupted"));
}

TEST(Converge, WaitingForTheWholeProject) {
  const compose::Project project = project_of(
      "services: {job: {image: x}, web: {image: x, depends_on: {job: {condition: service_completed_successfully}}}}");
  const std::string text = plan_text(project, {}, {.after = AfterCreate::start_and_wait});
  EXPECT_THAT(text, HasSubstr("container app-job-1, wait until completed"));
  EXPECT_THAT(text, HasSubstr("container app-web-1, wait until running or healthy"));
}

TEST(Converge, UpWithoutStart) {
  const compose::Project project = project_of("services: {a: {image: x}}");
  EXPECT_THAT(plan_text(project, {}, {.after = AfterCreate::nothing}), Not(HasSubstr("start")));
}

}  // namespace
}  // namespace consort::project::test
