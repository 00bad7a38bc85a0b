#include "engine/prune.hpp"

#include "engine/left_behind.hpp"
#include "fixture.hpp"

namespace consort::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class PruneTest : public EngineTest {
 protected:
  std::string name(const char* suffix) const { return project_ + suffix; }
  void make_volume(const std::string& name) { ASSERT_TRUE(engine().create_volume({.name = name})); }
  static Strings names(const Result<Pruned>& pruned) {
    Strings names;
    for (const Pruned::Item& item : pruned.value().items) names.push_back(item.name);
    return names;
  }
};

TEST_F(PruneTest, AVolumeGoesWithoutUsersAndANamedOneOnlyIfAsked) {
  ContainerSpec spec = probe({"true"});
  spec.mounts = {{.type = MountType::volume, .source = name("_used"), .target = "/data"}};
  const std::string user = create(spec);
  make_volume(name("_named"));
  ASSERT_TRUE(
      engine().create_volume({.name = name("_elsewhere"), .driver_opts = {{"type", "tmpfs"}, {"device", "tmpfs"}}}));
  const Volume anonymous = engine().create_volume({}).value();
  using enum PruneMode;
  EXPECT_THAT(names(prune_volumes(engine(), plan, NamedVolumes::keep)), ElementsAre(anonymous.spec.name));
  EXPECT_THAT(names(prune_volumes(engine(), plan_without_stopped, NamedVolumes::prune)),
              UnorderedElementsAre(anonymous.spec.name, name("_named"), name("_used")));
  const auto only = [&](const Volume& volume) { return !volume.anonymous; };
  EXPECT_THAT(names(prune_volumes(engine(), act, NamedVolumes::prune, only)), ElementsAre(name("_named")));
  EXPECT_THAT(names(prune_volumes(engine(), act, NamedVolumes::prune)), ElementsAre(anonymous.spec.name));
  EXPECT_TRUE(engine().inspect_volume(name("_used")));
  EXPECT_TRUE(engine().inspect_volume(name("_elsewhere")));
}

TEST_F(PruneTest, ANetworkStaysForStoppedContainersAndThoseOfTheMachineAlways) {
  (void)engine().inspect_network("bridge").value();
  (void)engine().create_network({.name = name("_unused"), .project = project_}).value();
  (void)engine().create_network({.name = name("_used"), .project = project_}).value();
  ContainerSpec spec = probe({"true"});
  spec.network_mode.clear();
  spec.networks = {{.network = name("_used")}};
  const std::string user = create(spec);
  EXPECT_THAT(names(prune_networks(engine(), PruneMode::plan_without_stopped)),
              UnorderedElementsAre(name("_unused"), name("_used")));
  EXPECT_THAT(names(prune_networks(engine(), PruneMode::act)), ElementsAre(name("_unused")));
  EXPECT_EQ(engine().list_networks()->size(), 2U);
}

TEST_F(PruneTest, AContainerGoesUnlessItRuns) {
  const std::string stopped = create(probe({"true"}));
  ContainerSpec spec = probe({"sleep", "600000"});
  spec.name += "-runs";
  const std::string running = create(spec);
  ASSERT_TRUE(engine().start_container(running));
  EXPECT_EQ(prune_containers(engine(), PruneMode::plan)->items.size(), 1U);
  const Pruned pruned = prune_containers(engine(), PruneMode::act).value();
  ASSERT_EQ(pruned.items.size(), 1U);
  EXPECT_EQ(pruned.items.front().id, stopped);
  EXPECT_EQ(pruned.bytes, pruned.items.front().bytes);
  EXPECT_TRUE(engine().inspect(running));
  ASSERT_TRUE(engine().remove_container(running, {.force = Force::yes}));
}

// What a killed command has left behind is in nobody's list, and must not keep others.
TEST_F(PruneTest, WhatIsLeftBehindGoesBefore) {
  ContainerSpec spec = probe({"true"});
  spec.oneoff = spec.auto_remove = true;
  spec.labels[for_maker_alone] = "True";
  spec.mounts = {{.type = MountType::volume, .source = name("_v"), .target = "/data"}};
  CreatedContainer left = engine().create_container(spec).value();
  left.hold.reset();
  EXPECT_THAT(names(prune_containers(engine(), PruneMode::plan)), IsEmpty());
  EXPECT_THAT(names(prune_volumes(engine(), PruneMode::act, NamedVolumes::prune)), ElementsAre(name("_v")));
  EXPECT_EQ(engine().inspect(left.id).error().code(), Code::not_found);
}

}  // namespace
}  // namespace consort::engine
