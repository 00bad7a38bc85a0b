// Publishing a project, and reading it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/os/files/file.hpp"
#include "compose/compose.hpp"
#include "project/publish/artifact.hpp"
#include "project/publish/findings.hpp"
#include "project/remote/artifact_files.hpp"
#include "project/remote/git_files.hpp"

namespace consort::project {
namespace {

using testing::HasSubstr;

class Directory {
 public:
  Directory() {
    std::string name = testing::TempDir() + "/consort-publish-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Directory() { (void)remove_tree(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

compose::LoadOutcome load(const std::string& directory) {
  compose::LoadOptions options;
  options.working_directory = directory;
  return compose::load(options);
}

TEST(Publishing, AnArtifactIsTheProjectWithAllThatItNames) {
  const Directory from, to;
  ASSERT_TRUE(write_file_atomic(from / "compose.yaml",
                                "name: shop\n"
                                "services:\n"
                                "  web: {extends: {file: base/common.yaml, service: base}, env_file: [web.env]}\n"));
  ASSERT_TRUE(make_directories(from / "base"));
  ASSERT_TRUE(write_file_atomic(from / "base/common.yaml", "services: {base: {image: nginx, env_file: base.env}}\n"));
  ASSERT_TRUE(write_file_atomic(from / "base/base.env", "A=1\n"));
  ASSERT_TRUE(write_file_atomic(from / "web.env", "B=2\n"));
  ASSERT_TRUE(write_file_atomic(from / "compose.override.yaml", "services: {web: {hostname: here}}\n"));
  const auto before = load(from.path());
  ASSERT_TRUE(before.project);
  image::Documents documents = project_documents(*before.project, "").value();
  set_types(documents, OciVersion::v1_1);
  EXPECT_TRUE(is_project_artifact(documents));
  ASSERT_TRUE(write_artifact_files(documents, to.path()));
  const auto after = load(to.path());
  ASSERT_TRUE(after.project);
  const compose::Service& web = after.project->services.at("web");
  EXPECT_EQ(web.image, "nginx");
  EXPECT_EQ(web.hostname, "here");
  EXPECT_EQ(web.environment, before.project->services.at("web").environment);
}

TEST(Publishing, LocalIncludesAreRefused) {
  const Directory directory;
  ASSERT_TRUE(write_file_atomic(directory / "compose.yaml", "include: [db.yaml]\nservices: {a: {image: x}}\n"));
  ASSERT_TRUE(write_file_atomic(directory / "db.yaml", "services: {db: {image: x}}\n"));
  const auto documents = project_documents(*load(directory.path()).project, "");
  ASSERT_FALSE(documents);
  EXPECT_THAT(documents.error().message(), HasSubstr("cannot publish compose file with local includes"));
}

TEST(Publishing, NamesInAnArtifactDoNotLeadOutOfItsDirectory) {
  const Directory directory;
  for (const char* name : {"../evil.env", "/etc/evil", ".bashrc", "a/b", "", "compose.yaml"}) {
    image::Documents documents;
    documents.layers.push_back({artifact::compose_type, {{artifact::file_note, "compose.yaml"}}, "services: {}\n"});
    documents.layers.push_back({artifact::env_type, {{artifact::env_note, name}}, "A=1\n"});
    EXPECT_FALSE(write_artifact_files(documents, directory.path())) << name;
  }
}

TEST(Findings, CredentialsAreToldByTheirForm) {
  EXPECT_EQ(kind_of_secret("A3TX1234567890ABCDEF"), "AWS Client ID");
  EXPECT_EQ(kind_of_secret("x AKIAIOSFODNN7EXAMPLE y"), "AWS Client ID");
  EXPECT_EQ(kind_of_secret("ghp_1234567890abcdefghijklmnopqrstuvwxyz"), "Github authentication");
  EXPECT_EQ(kind_of_secret("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM"), "JSON Web Token");
  EXPECT_EQ(kind_of_secret("-----BEGIN RSA PRIVATE KEY-----\nx\n"), "Private Key");
  EXPECT_EQ(kind_of_secret("postgres://u:pw@db/x"), "URL with password");
  for (const char* harmless : {"", "hello", "http://host:80/a@b", "postgres://u:${PW}@db/x", "MAKIAIOSFODNN7EXAMPLE",
                               "eyJhbGci", "ghp_short", "-----BEGIN PUBLIC KEY-----"})
    EXPECT_EQ(kind_of_secret(harmless), "") << harmless;
  EXPECT_TRUE(names_a_secret("DB_PASSWORD"));
  EXPECT_FALSE(names_a_secret("POSTGRES_PASSWORD_FILE"));
  EXPECT_FALSE(names_a_secret("PATH"));
}

TEST(GitPlaces, AreTakenApart) {
  const GitAddress place = parse_git_place("https://host/x/shop.git#v1.2:deploy/../deploy/web").value();
  EXPECT_EQ(place.remote, "https://host/x/shop.git");
  EXPECT_EQ(place.reference, "v1.2");
  EXPECT_EQ(place.path, "deploy/web");
  EXPECT_EQ(parse_git_place("git://h/x#:../../etc").value().path, "etc");
}

TEST(GitPlaces, TheComposeFileIsNoLink) {
  const Directory directory;
  ASSERT_TRUE(make_directories(directory / "sub"));
  ASSERT_EQ(::symlink("/etc/passwd", (directory / "compose.yaml").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(directory / "sub/docker-compose.yml", "services: {}\n"));
  GitAddress place{"git://h/x", "", ""};
  EXPECT_FALSE(find_compose_file(directory.path(), place));
  place.path = "sub";
  EXPECT_EQ(find_compose_file(directory.path(), place).value(), "sub/docker-compose.yml");
}

}  // namespace
}  // namespace consort::project
