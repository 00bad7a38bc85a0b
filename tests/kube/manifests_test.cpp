// Converts Compose files to manifests and notes: cases/NAME/compose.yaml must give expected.yaml and notes.
// CONSORT_RECORD=1 writes them.
#include "kube/manifests.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/plain_yaml.hpp"
#include "kube/one_off.hpp"
#include "kube/packages.hpp"
#include "kube/wait/answer.hpp"
#include "support.hpp"

namespace consort::kube {
namespace {

class Cases : public testing::TestWithParam<const char*> {};

TEST_P(Cases, BecomeTheirManifests) {
  const std::string directory = std::string(CONSORT_TEST_DATA) + "/cases/" + GetParam();
  const Made made = make(load(GetParam()));
  EXPECT_EQ(made.refusals, 0U) << made.notes;
  if (std::getenv("CONSORT_RECORD")) {
    EXPECT_TRUE(write_file_atomic(directory + "/expected.yaml", made.yaml));
    EXPECT_TRUE(write_file_atomic(directory + "/notes", made.notes));
  }
  EXPECT_EQ(made.yaml, read_file(directory + "/expected.yaml").value_or(""));
  EXPECT_EQ(made.notes, read_file(directory + "/notes").value_or(""));
}

// What others keep of it: packages/FORMAT/PATH beside the case's file.
TEST(Packages, AreTheirFiles) {
  const compose::Project project = load("tutorial");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto check = [](const std::string& format, const Result<std::vector<PackagedFile>>& files) {
    ASSERT_TRUE(files);
    for (const PackagedFile& file : *files) {
      const std::string path = std::string(CONSORT_TEST_DATA) + "/packages/" + format + "/" + file.path;
      if (std::getenv("CONSORT_RECORD")) {
        EXPECT_TRUE(make_directories(dir_name(path)) && write_file_atomic(path, file.text));
      }
      EXPECT_EQ(file.text, read_file(path).value_or("")) << path;
    }
  };
  check("kustomize", kustomize_base(*manifests, project.name));
  check("helm", helm_chart(*manifests, project.name));
}

INSTANTIATE_TEST_SUITE_P(Manifests, Cases, testing::Values("tutorial", "everything", "rest", "left-out"));

TEST(Refusals, AreToldWithTheirLines) {
  for (const auto& [line, words] :
       {std::pair("network_mode: none", "network_mode"), std::pair("user: postgres", "is a name"),
        std::pair("devices: [/dev/kvm]", "devices"), std::pair("volumes: [/nowhere/at/all:/x]", "it does not exist"),
        std::pair("volumes: [/dev/null:/x]", "neither a file nor a directory"),
        std::pair("extra_hosts: [\"a:host-gateway\"]", "host-gateway"),
        std::pair("use_api_socket: true", "use_api_socket"),
        std::pair("deploy: {placement: {constraints: [\"node.role==worker\"]}}", "constraint"),
        std::pair("ipc: \"container:x\"", "ipc")}) {
    const Made made = make(project_of("services:\n  web:\n    image: x\n    " + std::string(line) + "\n"));
    EXPECT_EQ(made.refusals, 1U) << line << "\n" << made.notes;
    EXPECT_TRUE(made.notes.starts_with("4: ")) << made.notes;
    EXPECT_NE(made.notes.find(words), std::string::npos) << made.notes;
    EXPECT_EQ(made.yaml, "");
  }
}

// The objects for a file with these options, as one text.
std::string objects_of(const std::string& yaml, const ManifestOptions& options) {
  const compose::Project project = project_of(yaml);
  std::vector<compose::Diagnostic> refusals;
  const auto made =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), options, refusals);
  return made ? manifests_yaml(made->objects).value_or("") : made.error().message();
}

TEST(PullSecrets, AreForPodsThatNeedThem) {
  const auto password_of = [](const std::string& registry) -> Result<std::string> {
    return registry == "registry.example" ? "me:a:b" : "";
  };
  const compose::Project project = project_of(
      "services: {web: {image: registry.example/web, volumes: [\"data:/data\"]}, db: {image: db, volumes: "
      "[\"data2:/data\"]}, other: {image: \"x.example/other\"}}\nvolumes: {data: , data2: }\n");
  std::vector<compose::Diagnostic> refusals;
  const auto made = make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}),
                                   {.password_of = password_of}, refusals);
  ASSERT_TRUE(made);
  std::vector<std::string> with;
  for (const Object& object : made->objects) {
    if (object.json.find("\"imagePullSecrets\":[{\"name\":\"app-pull\"}]") != std::string::npos)
      with.push_back(object.name);
    if (object.kind != "Secret") continue;
    EXPECT_EQ(object.name, pull_secret("app"));
    EXPECT_NE(object.json.find("kubernetes.io/dockerconfigjson"), std::string::npos);
    EXPECT_EQ(passwords_of(object.json), (std::map<std::string, std::string>{{"registry.example", "me:a:b"}}));
  }
  EXPECT_EQ(with, (std::vector<std::string>{"web"}));
  // Nodes also pull images for helper pods.
  const auto logins_of_helper = [&](const char* claim) {
    const auto pod = data_pod(*made, claim, "/data", "app");
    const auto value = parse_json(pod ? pod->json : "", "pod");
    return value ? value->at("spec").value("imagePullSecrets", Json()) : Json("none made");
  };
  EXPECT_EQ(logins_of_helper("app-data"), Json::array({Json{{"name", "app-pull"}}}));
  EXPECT_EQ(logins_of_helper("app-data2"), Json());
}

TEST(PullSecrets, EndTheCommandWhoseUserDoesNotWaitForThem) {
  const compose::Project project = project_of("services: {web: {image: registry.example/web}}\n");
  std::vector<compose::Diagnostic> refusals;
  const auto made = make_manifests(
      project, project::desired_state(project).value_or(project::DesiredProject{}),
      {.password_of = [](const std::string&) { return Result<std::string>(fail(Code::interrupted, "stop")); }},
      refusals);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Code::interrupted);
}

TEST(PreStart, IsWhatRunsBeforeThePodsOwnContainer) {
  const std::string made = objects_of(
      "services:\n  db: {image: db, healthcheck: {test: ok}}\n"
      "  web:\n    image: web\n    depends_on: {db: {condition: service_healthy}}\n"
      "    environment: {A: b}\n    volumes: [data:/data]\n    tmpfs: [/run]\n"
      "    pre_start:\n      - {command: [migrate]}\n      - {image: tool, command: [seed], tmpfs: [/tmp], volumes: "
      "[other:/data]}\n"
      "volumes: {data: , other: }\n",
      {.images = {{"web", "pushed"}}, .wait_image = "wait"});
  const auto value = compose::parse_plain_yaml(made.substr(made.rfind("---\n") + 4), "made");
  ASSERT_TRUE(value) << made;
  const compose::Node* spec = value->find("spec")->find("template")->find("spec");
  std::vector<std::string> told;
  for (const compose::Node& each : spec->find("initContainers")->items) {
    std::string text = each.find("name")->scalar_text() + " " + each.find("image")->scalar_text();
    if (const compose::Node* mounts = each.find("volumeMounts"))
      for (const compose::Node& mount : mounts->items)
        text += " " + mount.find("name")->scalar_text() + ":" + mount.find("mountPath")->scalar_text();
    told.push_back(text);
  }
  // Hooks may need the awaited dependencies. Volumes are filled before they are used. A hook gets the service's mounts,
  // unless it has its own, and likewise the service's image.
  EXPECT_EQ(told, (std::vector<std::string>{
                      "wait-for-dependencies wait",
                      "fill-volumes pushed volume-data:/.consort/0 volume-data:/.consort/0.volume",
                      "before-1 pushed before-1-tmpfs-0:/run volume-data:/data",
                      "fill-volumes-2 tool volume-other:/.consort/0 volume-other:/.consort/0.volume",
                      "before-2 tool volume-other:/data before-2-tmpfs-0:/run before-2-tmpfs-1:/tmp",
                  }));
  EXPECT_EQ(spec->find("containers")->items.size(), 1U);
}

TEST(PreStart, IsWarnedOfWhereItRunsMoreOften) {
  const auto notes = [](const char* replicas, const std::string& hooks) {
    return make(project_of("services:\n  web:\n    image: web\n    scale: " + std::string(replicas) +
                           "\n    pre_start:\n" + hooks))
        .notes;
  };
  const std::string each = "      - {command: [a], per_replica: true}\n", once = "      - {command: [b]}\n";
  EXPECT_EQ(notes("2", each), "");
  EXPECT_EQ(notes("1", each + once), "");
  EXPECT_EQ(notes("2", each + once),
            "7: the pre_start hooks of \"web\" run in each of its pods (here, they run once for all replicas)\n");
}

TEST(PreStart, IsWarnedOfWhereEachNodeRunsIt) {
  const std::string notes =
      make(project_of("services:\n  web:\n    image: web\n    deploy: {mode: global}\n    pre_start:\n"
                      "      - {command: [b]}\n"))
          .notes;
  EXPECT_TRUE(notes.starts_with("6: the pre_start hooks of \"web\" run in each of its pods")) << notes;
}

TEST(Volumes, OfOneNodeAreToldWhereSeveralPodsHaveThem) {
  const auto notes = [](const std::string& services, const std::string& volume = "") {
    return make(project_of("services:\n" + services + "volumes:\n  data: {" + volume + "}\n")).notes;
  };
  const std::string one = "  db: {image: x, volumes: [\"data:/data\"]}\n",
                    more = "  web: {image: x, volumes: [\"data:/d:ro\"]}\n",
                    three = "  db: {image: x, scale: 3, volumes: [\"data:/data\"]}\n",
                    each = "  db: {image: x, deploy: {mode: global}, volumes: [\"data:/data\"]}\n";
  EXPECT_EQ(notes(one), "");
  EXPECT_EQ(notes(three, "x-access-mode: ReadWriteMany"), "");
  EXPECT_EQ(notes(three, "external: true"), "");
  EXPECT_EQ(
      notes(one + more),
      "5: volume \"app_data\" can only be mounted by the pods of one node, but is used by db, web (set x-access-mode: "
      "ReadWriteMany if the storage class supports it)\n");
  EXPECT_TRUE(notes(three).starts_with(
      "4: volume \"app_data\" can only be mounted by the pods of one node, but is used by db ("))
      << notes(three);
  EXPECT_TRUE(notes(each).starts_with("4: volume")) << notes(each);
  EXPECT_EQ(notes(one + "  off: {image: x, scale: 0, volumes: [\"data:/d\"]}\n"), "");
  const std::string hook = "  web: {image: x, pre_start: [{image: y, command: [a], volumes: [\"data:/d\"]}]}\n";
  EXPECT_TRUE(notes(one + hook).find("is used by db, web (") != std::string::npos) << notes(one + hook);
  EXPECT_EQ(notes("  db: {image: x, volumes: [\"data:/d\"], pre_start: [{command: [a]}]}\n"), "");
  const std::string job =
      "jobs: {seed: {image: x, volumes: [\"data:/d\"], triggers: {schedule: [{cron: '0 3 * * *'}]}}}\n";
  EXPECT_NE(notes(one + job).find("is used by db, seed ("), std::string::npos) << notes(one + job);
  const std::string single = notes(three, "x-access-mode: ReadWriteOncePod");
  EXPECT_TRUE(single.starts_with("4: volume \"app_data\" can only be mounted by one pod, but is used by db ("))
      << single;
}

TEST(OneOffs, RunWhereTheirServiceMayButNotInItsPlace) {
  const compose::Project project = project_of(
      "services:\n  db: {image: x, platform: linux/arm64, volumes: [\"data:/data\"], deploy: {placement: {constraints: "
      "[\"node.labels.disk==ssd\"], max_replicas_per_node: 1}}}\n"
      "jobs: {j: {image: y, volumes: [\"other:/data\"], triggers: {schedule: [{cron: '0 3 * * *'}]}}}\n"
      "volumes: {data: , other: }\n");
  std::vector<compose::Diagnostic> refusals;
  const auto made =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(made);
  const auto spec_of = [](const Result<Object>& pod) {
    const auto value = parse_json(pod ? pod->json : "", "pod");
    return value ? value->at("spec") : Json::object();
  };
  for (const Json& spec :
       {spec_of(data_pod(*made, "app-data", "/data", "app")), spec_of(one_off_pod(*made, {.service = "db"}, "app"))}) {
    EXPECT_EQ(spec.value("nodeSelector", Json()).value("kubernetes.io/arch", ""), "arm64") << spec;
    EXPECT_TRUE(spec.value("affinity", Json()).contains("nodeAffinity")) << spec;
    EXPECT_FALSE(spec.value("affinity", Json()).contains("podAntiAffinity")) << spec;
  }
  // Volumes that only a job uses can be copied, too.
  EXPECT_EQ(spec_of(data_pod(*made, "app-other", "/data", "app")).at("containers")[0].at("image"), "y");
}

TEST(Waits, AreForNamesThatStandForReadyPods) {
  const std::string yaml =
      "services:\n  db: {image: db, healthcheck: {test: ok}}\n  job: {image: job}\n  api: {image: api}\n"
      "  web:\n    image: web\n    depends_on:\n      db: {condition: service_healthy}\n      api: {condition: "
      "service_started}\n"
      "      job: {condition: service_completed_successfully}\n";
  const std::string made = objects_of(yaml, {.wait_image = "registry.example/consort-wait@sha256:1"});
  EXPECT_NE(
      made.find("        - args:\n            - api-pods\n            - db-is-ready\n"
                "          image: registry.example/consort-wait@sha256:1\n          name: wait-for-dependencies\n"),
      std::string::npos)
      << made;
  const std::size_t ready = made.find("name: db-is-ready\n");
  ASSERT_NE(ready, std::string::npos);
  const std::string service = made.substr(ready, made.find("---", ready) - ready);
  EXPECT_EQ(service.find("publishNotReadyAddresses"), std::string::npos) << service;
  EXPECT_EQ(objects_of(yaml, {}).find("is-ready"), std::string::npos);
}

TEST(Waits, AreNotForWhatMayNeverHaveAName) {
  const auto waits_for = [](const std::string& db, const char* condition, const std::string& more = "") {
    const std::string made =
        objects_of("services:\n  db: {image: db, " + db +
                       "}\n  web: {image: web, depends_on: {db: {condition: " + condition + "}}}\n" + more,
                   {.wait_image = "consort-wait"});
    EXPECT_NE(made.find("image: web"), std::string::npos) << made;
    constexpr std::string_view begin = "- args:\n            - ";
    const std::size_t at = made.find(begin);
    return at == std::string::npos
               ? ""
               : made.substr(at + begin.size(), made.find('\n', at + begin.size()) - at - begin.size());
  };
  EXPECT_EQ(waits_for("tty: true", "service_started"), "db-pods");
  const char* jobs[] = {"restart: \"no\"", "deploy: {mode: replicated-job}",
                        "deploy: {restart_policy: {condition: none}}"};
  for (const char* job : jobs) EXPECT_EQ(waits_for(job, "service_started"), "") << job;
  const std::string who = "  x: {image: x, depends_on: {db: {condition: service_completed_successfully}}}\n";
  EXPECT_EQ(waits_for("tty: true", "service_started", who), "");
  EXPECT_EQ(waits_for("scale: 0", "service_started"), "");
  EXPECT_EQ(waits_for("healthcheck: {test: ok}, deploy: {replicas: 0}", "service_healthy"), "");
  EXPECT_EQ(waits_for("deploy: {mode: global}", "service_started"), "db-pods");
  EXPECT_EQ(waits_for("healthcheck: {test: ok}", "service_healthy"), "db-is-ready");
  for (const char* unchecked : {"expose: [\"80\"]", "healthcheck: {disable: true}"})
    EXPECT_EQ(waits_for(unchecked, "service_healthy"), "db-pods") << unchecked;
}

TEST(Waits, BelieveAddressesOnly) {
  const auto says = [](std::string_view flags, char answers, const std::string& records) {
    const std::string whole = "id" + std::string(flags) + std::string("\0\1\0", 3) + answers + std::string(4, '\0') +
                              std::string("\2db\0\0\1\0\1", 8) + records;
    return has_address_record(reinterpret_cast<const unsigned char*>(whole.data()), whole.size());
  };
  const auto record = [](char type, const std::string& data) {
    return std::string("\xC0\x0C\0", 3) + type + std::string("\0\1\0\0\0\5\0", 7) + static_cast<char>(data.size()) +
           data;
  };
  const std::string alias = record(5, std::string("\1x\0", 3)), four = record(1, "abcd"),
                    six = record(28, std::string(16, 'x'));
  constexpr std::string_view fine = "\x81\x80", unknown = "\x81\x83", query = "\x01\x80";
  EXPECT_TRUE(says(fine, 1, four) && says(fine, 1, six) && says(fine, 2, alias + four));
  EXPECT_FALSE(says(fine, 1, alias) || says(fine, 0, "") || says(unknown, 1, four) || says(query, 1, four));
  EXPECT_FALSE(says(fine, 1, alias + four)) << "it is not part of the answer";
  for (std::size_t cut = 1; cut <= four.size(); ++cut)
    EXPECT_FALSE(says(fine, 1, four.substr(0, four.size() - cut))) << cut;
}

// What fills a claim, on directories of ours: image/f is the image's.
class Filling : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/consort-fill-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    sh("mkdir -p image claim && ln -s claim 0.volume && mkdir claim/data && ln -s claim/data 0 && echo image > "
       "image/f");
    const compose::Project project =
        project_of("services:\n  web: {image: x, volumes: [\"files:" + directory_ + "/image\"]}\nvolumes: {files: }\n");
    std::vector<compose::Diagnostic> refusals;
    const auto made =
        make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
    ASSERT_TRUE(made);
    for (const Object& object : made->objects)
      if (object.kind == "StatefulSet")
        script_ = parse_json(object.json, "object")
                      .value()["spec"]["template"]["spec"]["initContainers"][0]["command"][2]
                      .get<std::string>();
    script_ = replace_all(replace_all(script_, "/.consort/", directory_ + "/"), "sleep ", "sleep 0.0");
  }
  void TearDown() override { sh("rm -rf \"$PWD\""); }

  // What the command has written, and its code.
  FILE* begin(const std::string& command) const { return ::popen(("cd " + directory_ + "\n" + command).c_str(), "r"); }
  static std::string end(FILE* from) {
    std::string text;
    char line[256];
    while (::fgets(line, sizeof line, from)) text += line;
    const int code = ::pclose(from);
    return code == 0 ? text : text + "failed";
  }
  std::string sh(const std::string& command) const { return end(begin(command)); }
  // quiet: how many times an unchanged mark of another pod is read.
  std::string script(const std::string& pod, const std::string& quiet) const {
    return "CONSORT_POD=" + pod + "\n" + replace_all(script_, "-ge 30", "-ge " + quiet) + " ";
  }

  std::string directory_, script_;
  static constexpr const char* for_ever = "1000000";
};

TEST_F(Filling, LeavesTheDataOfAProgramAlone) {
  EXPECT_EQ(sh(script("one", for_ever) + "&& cat 0/f && echo data > 0/f"), "image\n");
  EXPECT_EQ(sh(script("two", for_ever) + "&& cat 0/f && ls -A claim"), "data\ndata\n");
}

TEST_F(Filling, IsWaitedForByOthers) {
  sh("mkdir claim/.consort-filling && echo one 7 > claim/.consort-filling/owner");
  FILE* two = begin(script("two", for_ever) + "&& cat 0/f && ls -A claim");
  char line[256] = "";
  EXPECT_NE(::fgets(line, sizeof line, two), nullptr);
  EXPECT_TRUE(std::string_view(line).starts_with("waiting for pod one, which fills ")) << line;
  sh("echo data > 0/f && rm -r claim/.consort-filling");
  EXPECT_EQ(end(two), "data\ndata\n");
}

TEST_F(Filling, GoesOnWhereAPodHasGone) {
  const std::string cut_short = "rm -rf claim/* claim/.consort* && mkdir claim/data && echo ima > 0/f && ";
  const std::string mark = "mkdir claim/.consort-filling && echo one 7 > claim/.consort-filling/owner";
  sh(cut_short + mark);
  EXPECT_EQ(sh(script("one", for_ever) + "&& cat 0/f && ls -A claim"), "image\ndata\n");
  sh(cut_short + mark);
  EXPECT_TRUE(sh(script("two", "3") + "&& cat 0/f && ls -A claim").ends_with("\nimage\ndata\n"));
  sh(cut_short + ": > claim/.consort-filling");  // as earlier versions created it
  EXPECT_EQ(sh(script("two", "3") + "&& cat 0/f && ls -A claim"), "image\ndata\n");
}

TEST(Rollout, WaitsForWhatListensAndGoesWithNotice) {
  const auto with = [](const std::string& rest, Parting parting = Parting::action) {
    return objects_of("services:\n  web: {image: x, " + rest + "}\n", {.parting = parting});
  };
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  const std::string one = with("ports: [\"80:8000\"]"), two = with("ports: [\"80:8000\", \"90:9000\"]");
  EXPECT_TRUE(has(one, "startupProbe") && has(one, "port: 8000") && has(one, "seconds: 5")) << one;
  EXPECT_TRUE(has(one, "terminationGracePeriodSeconds: 15")) << one;
  EXPECT_TRUE(!has(two, "startupProbe") && has(two, "preStop")) << two;  // one of the ports may never be open
  const std::string old = with("expose: [\"80\"]", Parting::command);
  EXPECT_TRUE(has(old, "readinessProbe") && has(old, "- sleep\n")) << old;
  const std::string own = with("expose: [\"80\"], healthcheck: {test: ok}, pre_stop: [{command: [bye]}]");
  EXPECT_TRUE(!has(own, "tcpSocket") && !has(own, "sleep") && has(own, "PeriodSeconds: 10")) << own;
  for (const char* nobody_comes : {"command: x", "restart: \"no\", expose: [\"80\"]"}) {
    const std::string alone = with(nobody_comes);
    EXPECT_TRUE(!has(alone, "preStop") && !has(alone, "startupProbe")) << alone;
  }
}

TEST(Packages, HaveRoomForAServiceThatIsCalledAsTheirOwnFile) {
  const compose::Project project = project_of("services:\n  kustomization: {image: x}\n");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto files = kustomize_base(*manifests, "app");
  ASSERT_TRUE(files);
  std::set<std::string> paths;
  for (const PackagedFile& file : *files) EXPECT_TRUE(paths.insert(file.path).second) << file.path;
  EXPECT_TRUE(paths.contains("service-kustomization.yaml") && paths.contains("kustomization.yaml"));
}

TEST(Names, OfTwoServicesMustNotBecomeOne) {
  const Made made = make(project_of("services:\n  my_web: {image: x}\n  my-web: {image: x}\n"));
  EXPECT_EQ(made.refusals, 1U) << made.notes;
}

TEST(Names, AreThoseOfTheApi) {
  EXPECT_EQ(object_name("My_App.1"), "my-app-1");
  EXPECT_EQ(object_name("--x--"), "x");
  EXPECT_EQ(object_name("1st"), "n1st");
  EXPECT_EQ(object_name(std::string(100, 'a')).size(), 63U);
  EXPECT_TRUE(is_service_name("db-1"));
  EXPECT_FALSE(is_service_name("lms_postgres"));
}

}  // namespace
}  // namespace consort::kube
