// How long we wait for registries: every wait ends, a request is repeated where that may help, and only one is sent
// where that is enough.
#include <chrono>
#include <random>
#include <thread>

#include "fake_registry.hpp"
#include "image/registry/credentials.hpp"

namespace consort::image {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class Waiting : public FakeRegistryTest {
 protected:
  void SetUp() override {
    FakeRegistryTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    serve(TarBuilder().file("data", "some content").str());
  }
  // Cancels as soon as the registry receives this request. Returns the time from then until the work has ended.
  std::chrono::milliseconds ends_after(const std::string& asked, const std::function<Result<>(std::stop_token)>& work) {
    std::stop_source stop;
    std::chrono::steady_clock::time_point stopped;
    std::jthread user([&](const std::stop_token& over) {
      while (server.count(asked) == 0 && !over.stop_requested()) std::this_thread::sleep_for(1ms);
      stopped = std::chrono::steady_clock::now();
      stop.request_stop();
    });
    const Result<> done = work(stop.get_token());
    user.request_stop();
    user.join();
    EXPECT_FALSE(done);
    if (!done) {
      EXPECT_EQ(done.error().code(), Code::interrupted) << done.error().message();
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - stopped);
  }
  Result<> pull_until(std::stop_token cancel) {
    PullOptions cancelled = options;
    cancelled.cancel = std::move(cancel);
    TRY(pull(test.store, server.name(), cancelled));
    return {};
  }
  bool blob_asked(const FakeRequest& request) const {
    return request.path == "/v2/app/blobs/" + Digest::of(packed).text();
  }
};

// Much longer than it takes, but much shorter than the 20 to 30 s after which the waits end by themselves.
constexpr auto at_once = 5s;

TEST_F(Waiting, APullEndsAtOnceWhereverTheRegistryHangs) {
  for (const std::string place : {"/manifests/1", "/blobs/"}) {
    server.intercept = [place](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (!request.path.ends_with(place) && (place != "/blobs/" || !request.path.contains(place))) return std::nullopt;
      FakeAnswer never;
      never.hang = true;
      return never;
    };
    EXPECT_LT(ends_after(place, [&](std::stop_token stop) { return pull_until(std::move(stop)); }), at_once) << place;
    EXPECT_THAT(test.store.list().value(), IsEmpty());
    EXPECT_EQ(std::system(("test -z \"$(ls " + test.roots.layers() + ")\"").c_str()), 0);
  }
}

TEST_F(Waiting, ATokenServerThatHangsCanBeLeft) {
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!request.path.starts_with("/token"))
      return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\""}, ""};
    FakeAnswer never;
    never.hang = true;
    return never;
  };
  EXPECT_LT(ends_after("/token", [&](std::stop_token stop) { return pull_until(std::move(stop)); }), at_once);
}

TEST_F(Waiting, ThePauseBeforeAnotherTryCanBeLeft) {
  options.registry.patience.first_pause = options.registry.patience.longest_pause = 5min;
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    return blob_asked(request) ? std::optional(FakeAnswer{503, {}, ""}) : std::nullopt;
  };
  EXPECT_LT(ends_after("/blobs/" + Digest::of(packed).text(),
                       [&](std::stop_token stop) { return pull_until(std::move(stop)); }),
            at_once);
}

TEST_F(Waiting, APushEndsAtOnceWhereverTheRegistryHangs) {
  ImportOptions made;
  made.names = {server.name()};
  ASSERT_TRUE(import_rootfs(test.store, file_with(directory, TarBuilder().file("a", "1").str()).get(), made));
  for (const std::string method : {"HEAD", "POST", "PUT"}) {
    server.intercept = [method](const FakeRequest& request) -> std::optional<FakeAnswer> {
      FakeAnswer answer{404, {}, ""};
      if (request.method == "POST") answer = {202, {"Location: /v2/app/blobs/uploads/1"}, ""};
      answer.hang = request.method == method;
      return answer;
    };
    const auto work = [&](std::stop_token stop) -> Result<> {
      PushOptions pushing;
      pushing.registry = options.registry;
      pushing.cancel = std::move(stop);
      TRY(push(test.store, server.name(), pushing));
      return {};
    };
    EXPECT_LT(ends_after(method + " ", work), at_once) << method;
  }
}

TEST_F(Waiting, AnArchiveThatDoesNotComeCanBeLeft) {
  Pipe pipe = std::move(make_pipe()).value();
  std::stop_source stop;
  PullOptions loading;
  loading.cancel = stop.get_token();
  Result<LoadResult> loaded = fail(Code::internal, "not run");
  {
    const std::jthread work([&] { loaded = load(test.store, pipe.read.get(), loading); });
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  }
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::interrupted) << loaded.error().message();
  EXPECT_EQ(std::system(("test -z \"$(ls " + test.roots.data + "/ingest)\"").c_str()), 0);
}

// What others have left may be millions of files.
TEST_F(Waiting, ASweepBeforeTheWorkCanBeLeft) {
  const std::string left = test.roots.layers() + "/.trash/left";
  ASSERT_TRUE(make_directories(left + "/a"));
  std::stop_source stop;
  stop.request_stop();
  PullOptions pulling = options;
  pulling.cancel = stop.get_token();
  ImportOptions importing;
  importing.limits.cancel = stop.get_token();
  const Fd archive = file_with(directory, TarBuilder().file("a", "x").str());
  EXPECT_EQ(pull(test.store, server.name(), pulling).error().code(), Code::interrupted);
  EXPECT_EQ(load(test.store, archive.get(), pulling).error().code(), Code::interrupted);
  EXPECT_EQ(import_rootfs(test.store, archive.get(), importing).error().code(), Code::interrupted);
  EXPECT_TRUE(path_exists(left + "/a"));
  ASSERT_TRUE(pull(test.store, server.name(), options));
  EXPECT_FALSE(path_exists(left));
}

TEST_F(Waiting, NobodyTakesWhatIsSaved) {
  ASSERT_TRUE(pull(test.store, server.name(), options));
  Pipe pipe = std::move(make_pipe(O_NONBLOCK)).value();
  ASSERT_TRUE(set_nonblocking(pipe.write.get(), false));
  ImportOptions made;
  made.names = {named("large:1")};
  std::string noise(1 << 20, '\0');
  std::mt19937 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  ASSERT_TRUE(import_rootfs(test.store, file_with(directory, TarBuilder().file("a", noise).str()).get(), made));
  std::stop_source stop;
  SaveOptions saving;
  saving.cancel = stop.get_token();
  Result<> saved;
  {
    const std::jthread work([&] { saved = save(test.store, {"large:1"}, pipe.write.get(), saving); });
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  }
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code(), Code::interrupted) << saved.error().message();
}

TEST_F(Waiting, ACredentialHelperThatAsksSomebodyCanBeLeft) {
  ASSERT_TRUE(write_file_atomic(directory / "docker-credential-slow",
                                "#!/bin/sh\necho x > \"$0.asked\"\nexec sleep 600\n", 0755));
  ASSERT_TRUE(write_file_atomic(directory / "config.json", R"({"credsStore":"slow"})"));
  const std::string old = std::getenv("PATH");
  ::setenv("PATH", (directory.path() + ":" + old).c_str(), 1);
  std::stop_source stop;
  Result<CredentialLookup> found = fail(Code::internal, "not run");
  {
    const std::jthread work([&] { found = CredentialStore(directory / "config.json").find("r.io", stop.get_token()); });
    while (!path_exists(directory / "docker-credential-slow.asked")) std::this_thread::sleep_for(1ms);
    stop.request_stop();
  }
  ::setenv("PATH", old.c_str(), 1);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::interrupted);
}

// --- What is here already

TEST_F(Waiting, WhatIsUpToDateIsAskedAfterByOneHead) {
  ASSERT_TRUE(pull(test.store, server.name(), options));
  const std::size_t before = server.asked().size();
  const auto again = pull(test.store, server.name(), options);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_FALSE(again->changed);
  const auto asked = server.asked();
  EXPECT_THAT(std::vector<std::string>(asked.begin() + static_cast<std::ptrdiff_t>(before), asked.end()),
              ElementsAre("HEAD /v2/app/manifests/1"));
  EXPECT_EQ(again->manifest, Digest::of(server.manifests["1"]));
}

TEST_F(Waiting, WhatHasChangedIsFetched) {
  ASSERT_TRUE(pull(test.store, server.name(), options));
  const std::string tar = TarBuilder().file("data", "other content").str();
  server.serve({gzip(tar)}, {tar});
  const auto again = pull(test.store, server.name(), options);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE(again->changed);
}

// The image of another platform of the same index is missing, though the digest is known.
TEST_F(Waiting, AnotherPlatformOfTheSameIndexIsFetched) {
  const std::string own = server.manifests["1"];
  server.manifests[Digest::of(own).text()] = own;
  const std::string entry = R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":")" +
                            Digest::of(own).text() + R"(","platform":{"os":"linux","architecture":")";
  server.manifests["1"] =
      R"({"schemaVersion":2,"manifests":[)" + entry + Platform::host().architecture + "\"}}," + entry + "s390x\"}}]}";
  ASSERT_TRUE(pull(test.store, server.name(), options));
  EXPECT_EQ(server.count("GET /v2/app/manifests/"), 2u);
  ASSERT_TRUE(pull(test.store, server.name(), options));
  EXPECT_EQ(server.count("GET /v2/app/manifests/"), 2u);
  options.platform = Platform::parse("linux/s390x").value();
  EXPECT_THAT(pull(test.store, server.name(), options).error().message(),
              HasSubstr("does not match the specified platform"));
  EXPECT_EQ(server.count("GET /v2/app/manifests/"), 4u);
}

TEST_F(Waiting, ARegistryWithoutHeadIsAskedTheOtherWay) {
  server.intercept = [](const FakeRequest& request) -> std::optional<FakeAnswer> {
    return request.method == "HEAD" ? std::optional(FakeAnswer{405, {}, ""}) : std::nullopt;
  };
  ASSERT_TRUE(pull(test.store, server.name(), options));
  const auto again = pull(test.store, server.name(), options);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_FALSE(again->changed);
}

// --- Another try

TEST_F(Waiting, ALayerIsTriedAgainForAsLongAsItTakes) {
  std::atomic<int> count{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!blob_asked(request) || count++ >= 30) return std::nullopt;
    return count % 2 == 0 ? FakeAnswer{502, {}, ""} : FakeAnswer{200, {}, packed, 0};  // and cut off
  };
  std::vector<std::string> told;
  const auto pulled = pull(test.store, server.name(), options, [&](const ProgressEvent& event) {
    if (event.phase == Phase::retrying) told.push_back(event.text);
  });
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_GE(told.size(), 30u);
  EXPECT_THAT(told, Contains(HasSubstr("HTTP status 502: trying again in 1 s")));
}

// The registry redirects to a host that is restarting, or whose name does not resolve yet.
TEST_F(Waiting, ALayerWhoseHostIsAwayIsTriedAgain) {
  const std::vector<std::string> away{"http://127.0.0.1:1/x", "http://away.invalid/x"};
  std::atomic<std::size_t> count{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!blob_asked(request) || count >= 4) return std::nullopt;
    return FakeAnswer{307, {"Location: " + away[count++ % 2]}, ""};
  };
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
}

TEST_F(Waiting, PatienceComesToAnEnd) {
  options.registry.patience.layers = 50ms;
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    return blob_asked(request) ? std::optional(FakeAnswer{500, {}, ""}) : std::nullopt;
  };
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message(), HasSubstr("HTTP status 500"));
}

// A wrong name is not retried for as long as a layer.
TEST_F(Waiting, ARegistryThatIsNotThereIsToldAtOnce) {
  for (const char* name : {"127.0.0.1:1/app:1", "nowhere.invalid/app:1"}) {
    const auto pulled = pull(test.store, named(name), options);
    ASSERT_FALSE(pulled);
    EXPECT_FALSE(pulled.error().hint_text().empty()) << name;
  }
}

// --- Mirrors

TEST_F(Waiting, AMirrorThatHangsIsNotWaitedFor) {
  FakeRegistry mirror;
  mirror.intercept = [](const FakeRequest&) -> std::optional<FakeAnswer> {
    FakeAnswer never;
    never.hang = true;
    return never;
  };
  configure("[[registry]]\nprefix = \"" + server.host() + "\"\nlocation = \"" + server.host() +
            "\"\n[[registry.mirror]]\nlocation = \"" + mirror.host() + "\"\ninsecure = true\n");
  options.registry.patience.mirror_answer = options.registry.patience.mirror_connect = 50ms;
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_LE(mirror.asked().size(), 2u);
  // And when it is asked after.
  ASSERT_TRUE(pull(test.store, server.name(), options));
}

TEST_F(Waiting, AMirrorIsAskedByHeadToo) {
  configure("[[registry]]\nprefix = \"example.com\"\nlocation = \"127.0.0.1:1\"\n[[registry.mirror]]\nlocation = \"" +
            server.host() + "\"\ninsecure = true\n");
  ASSERT_TRUE(pull(test.store, named("example.com/app:1"), options));
  const std::size_t before = server.count("GET /v2/app/");
  ASSERT_TRUE(pull(test.store, named("example.com/app:1"), options));
  EXPECT_EQ(server.count("GET /v2/app/"), before);
}

}  // namespace
}  // namespace consort::image
