// Files that are not on this machine, and files that are named by other files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "compose/compose.hpp"
#include "compose/elsewhere.hpp"
#include "compose/references.hpp"

namespace consort::compose {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Files on this machine, and files from remote sources.
LoadOptions project(std::map<std::string, std::string> here, std::map<std::string, std::string> sources) {
  LoadOptions options;
  options.working_directory = "/here";
  auto files = std::make_shared<std::map<std::string, std::string>>(std::move(here));
  options.access.read = [files](const std::string& path) -> Result<std::string> {
    const auto found = files->find(path);
    if (found == files->end()) return fail(Code::not_found, "open " + path + ": no such file or directory");
    return found->second;
  };
  options.access.is_file = [files](const std::string& path) { return files->contains(path); };
  options.access.exists = options.access.is_file;
  options.access.resolve_links = [sources](const std::string& path) {
    const auto found = sources.find(path);
    return found != sources.end() ? found->second : is_elsewhere(path) ? std::string() : path;
  };
  return options;
}

TEST(Elsewhere, IsToldByHowASourceIsWritten) {
  for (const char* source : {"oci://docker.io/x/y:1", "https://host/x.git", "https://host/x.git#main:sub",
                             "git@host:x/y.git", "git://host/x", "ssh://git@host/x", "github.com/x/y"})
    EXPECT_TRUE(is_elsewhere(source)) << source;
  for (const char* source : {"compose.yaml", "./x.git", "/srv/x.git", "https://host/compose.yaml", "-", "oci:/x"})
    EXPECT_FALSE(is_elsewhere(source)) << source;
}

TEST(Elsewhere, FileOfDashFIsReadFromItsDirectory) {
  LoadOptions options = project({{"/cache/shop/compose.yaml", "services: {web: {image: x, volumes: ['./data:/data']}}"},
                                 {"/cache/shop/.env", "COMPOSE_PROFILES=secret\nTAG=remote\n"},
                                 {"/here/.env", "TAG=mine\n"}},
                                {{"oci://host/shop:1", "/cache/shop/compose.yaml"}});
  options.files = {"oci://host/shop:1"};
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project);
  EXPECT_EQ(outcome.project->name, "shop");
  EXPECT_EQ(outcome.project->services.at("web").volumes.at(0).source, "/cache/shop/data");
  EXPECT_EQ(outcome.project->environment.at("TAG"), "mine") << "what is set where the command is given wins";
  EXPECT_FALSE(outcome.project->environment.contains("COMPOSE_PROFILES")) << "a foreign file changes no command";
}

TEST(Elsewhere, IncludesAndExtendsAreFetched) {
  LoadOptions options =
      project({{"/here/compose.yaml",
                "include: [oci://host/db:1]\n"
                "services:\n"
                "  web:\n"
                "    extends: {file: 'git://host/base', service: base}\n"},
               {"/cache/db/compose.yaml", "services: {db: {image: postgres}}"},
               {"/cache/base/compose.yaml", "services: {base: {image: nginx}}"}},
              {{"oci://host/db:1", "/cache/db/compose.yaml"}, {"git://host/base", "/cache/base/compose.yaml"}});
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project);
  EXPECT_EQ(outcome.project->services.at("db").image, "postgres");
  EXPECT_EQ(outcome.project->services.at("web").image, "nginx");
}

TEST(Elsewhere, WhatCannotBeFetchedIsToldWithItsLine) {
  const LoadOutcome outcome =
      load(project({{"/here/compose.yaml", "include:\n  - oci://host/gone:1\nservices: {a: {image: x}}\n"}}, {}));
  EXPECT_FALSE(outcome.project);
  ASSERT_FALSE(outcome.diagnostics.empty());
  EXPECT_EQ(outcome.diagnostics[0].mark.line, 2U);
  EXPECT_THAT(outcome.diagnostics[0].message, HasSubstr("cannot read oci://host/gone:1"));
}

TEST(References, AreFoundInEveryFormAndReplacedWhereTheyStand) {
  const std::string text =
      "include: [a.yaml, {path: [b.yaml]}]\n"
      "services:\n"
      "  one: {image: x, env_file: 'one.env'}\n"
      "  two:\n"
      "    extends: {service: base, file: \"base.yaml\"}\n"
      "    env_file:\n"
      "      - two.env\n"
      "      - {path: three.env, required: false}\n";
  auto references = file_references("/p/compose.yaml", text).value();
  std::vector<std::string> written;
  for (NamedFile& reference : references) {
    written.push_back(reference.written);
    if (reference.kind != NamedFile::Kind::include) reference.place.replacement = "new-" + reference.written;
    EXPECT_EQ(reference.required, reference.written != "three.env");
  }
  EXPECT_THAT(written, ElementsAre("a.yaml", "b.yaml", "one.env", "base.yaml", "two.env", "three.env"));
  EXPECT_EQ(replace_references(text, references),
            "include: [a.yaml, {path: [b.yaml]}]\n"
            "services:\n"
            "  one: {image: x, env_file: new-one.env}\n"
            "  two:\n"
            "    extends: {service: base, file: new-base.yaml}\n"
            "    env_file:\n"
            "      - new-two.env\n"
            "      - {path: new-three.env, required: false}\n");
}

}  // namespace
}  // namespace consort::compose
