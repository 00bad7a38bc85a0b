#include "fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "../facilities.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "supervisor/client.hpp"
#include "supervisor/log.hpp"

namespace consort::engine {

namespace {

// Finds names of directories and symlinks below the root that contain one of the words. If a directory disappears
// meanwhile, as cgroups of other tests do, the walk starts again: stopping there could miss something.
void find_names(const std::string& root, const std::vector<std::string>& words, std::string& into) {
  constexpr int most_walks = 100;
  std::string found;
  for (int i = 0; i < most_walks; ++i) {
    found.clear();
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error))
      for (const std::string& word : words)
        if (at->path().filename().string().contains(word)) found += at->path().string() + "\n";
    if (!error || error == std::errc::permission_denied) break;
  }
  into += found;
}

}  // namespace

std::string EngineTest::leftovers() const {
  std::string text;
  for (const std::string& line : split(read_file("/proc/self/mountinfo").value_or(""), '\n'))
    if (line.contains(directory_)) text += line + "\n";
  std::vector<std::string> words{project_};
  for (const std::string& id : ids_) words.push_back(id);
  for (const char* hierarchy : {"memory", "pids", "unified"})
    find_names(std::string("/sys/fs/cgroup/") + hierarchy, words, text);
  find_names("/sys/class/net", bridges_, text);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string command = read_file(entry.path().string() + "/cmdline").value_or("");
    if (command.contains(project_) || command.contains(directory_)) text += "process " + command + "\n";
  }
  return text;
}

void EngineTest::SetUp() {
  if (const std::string reason = test::why_no_containers(); !reason.empty()) GTEST_SKIP() << reason;
  std::string pattern = testing::TempDir() + "consort-engine-XXXXXX";
  directory_ = ::mkdtemp(pattern.data());
  ::chmod(directory_.c_str(), 0755);
  roots_ = {directory_ + "/data", directory_ + "/run"};
  project_ = "t" + random_id().substr(0, 8);
  ::setenv("CONSORT_LIBEXEC", CONSORT_BINARY_ROOT, 1);
  Result<std::unique_ptr<Engine>> opened = Engine::open(roots_);
  ASSERT_TRUE(opened) << opened.error().message();
  engine_ = std::move(*opened);
  make_image();
}

void EngineTest::make_image() {
  image::Store store = image::Store::open(roots_).value();
  image::LayerDraft base = store.new_layer().value();
  const std::string root = base.directory();
  for (const char* directory : {"/etc", "/bin", "/data", "/data/sub", "/tmp", "/home"})
    ASSERT_EQ(::mkdir((root + directory).c_str(), 0755), 0);
  std::filesystem::copy_file(CONSORT_PROBE, root + "/bin/probe");
  ASSERT_TRUE(write_file_atomic(root + "/etc/passwd",
                                "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\n"));
  ASSERT_TRUE(write_file_atomic(root + "/etc/group", "root:x:0:\nstaff:x:1001:\nextra:x:1500:alice\n"));
  ASSERT_TRUE(write_file_atomic(root + "/data/sub/file", "from the image\n", 0640));
  ASSERT_EQ(::chown((root + "/data").c_str(), 1000, 1001), 0);
  ASSERT_EQ(::chmod((root + "/data").c_str(), 0750), 0);
  ASSERT_EQ(::symlink("sub/file", (root + "/data/link").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(root + "/data/hidden", "in the lower layer only\n"));
  image::LayerDraft top = store.new_layer().value();
  ASSERT_EQ(::mkdir((top.directory() + "/data").c_str(), 0750), 0);
  ASSERT_EQ(::chown((top.directory() + "/data").c_str(), 1000, 1001), 0);
  ASSERT_EQ(::mknod((top.directory() + "/data/hidden").c_str(), S_IFCHR, 0), 0);  // overlayfs's whiteout
  const image::LayerInfo first = store.commit_layer(std::move(base)).value();
  const image::LayerInfo second = store.commit_layer(std::move(top)).value();
  image::ImageConfig config;
  config.platform = image::Platform::host();
  config.env = {"FROM=image"};
  config.entrypoint = {"/bin/probe"};
  config.labels = {{"of", "image"}};
  const auto name = image::Reference::parse(image_name).value();
  const auto made = store.create_image(config, {first.id, second.id}, {name});
  ASSERT_TRUE(made) << made.error().message();
}

void EngineTest::TearDown() {
  if (!engine_) return;
  const std::vector<Container> containers = engine_->list().value();
  for (const Container& container : containers) {
    ids_.push_back(container.id);
    EXPECT_EQ(
        message_of(engine_->remove_container(container.id, {.force = Force::yes, .volumes = AnonymousVolumes::remove})),
        "(no error)");
  }
  const std::vector<Network> networks = engine_->list_networks().value();
  for (const Network& network : networks) {
    if (network.spec.name == "bridge") continue;  // predefined, so it stays
    bridges_.push_back(network.bridge);
    EXPECT_EQ(message_of(engine_->remove_network(network.id)), "(no error)");
  }
  const std::vector<Volume> volumes = engine_->list_volumes().value();
  for (const Volume& volume : volumes) EXPECT_EQ(message_of(engine_->remove_volume(volume.spec.name)), "(no error)");
  (void)supervisor::Client(roots_, project_).shutdown();
  engine_.reset();
  // Processes need a moment to end, and an unmount waits for the disk, which other tests keep busy.
  std::string left = leftovers();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!left.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    left = leftovers();
  }
  EXPECT_EQ(left, "");
  EXPECT_EQ(message_of(remove_tree(directory_)), "(no error)");
}

ContainerSpec EngineTest::probe(const Strings& words) {
  ContainerSpec spec;
  spec.name = project_ + "-probe-" + random_id().substr(0, 6);
  spec.project = project_;
  spec.service = "probe";
  spec.image = image_name;
  spec.command = words;
  spec.network_mode = "none";
  return spec;
}

std::string EngineTest::create(const ContainerSpec& spec) {
  const Result<CreatedContainer> created = engine_->create_container(spec);
  EXPECT_TRUE(created) << created.error().message();
  return created ? created->id : "";
}

std::string EngineTest::output_of(const std::string& id) {
  std::string text;
  LogReader reader = engine_->logs(id).value();
  supervisor::LogReader::LineHandler handler = [&](const supervisor::LogLine& line) {
    text += std::string(line.text) + "\n";
  };
  EXPECT_TRUE(reader.read(handler));
  reader.flush(handler);
  return text;
}

std::string EngineTest::run(const ContainerSpec& spec, int expected_code) {
  const std::string id = create(spec);
  if (id.empty()) return "(not created)";
  const Result<> started = engine_->start_container(id);
  EXPECT_TRUE(started) << started.error().message();
  if (!started) return "(not started)";
  const Result<int> code = engine_->wait_container(id);
  EXPECT_TRUE(code) << code.error().message();
  std::string text = output_of(id);
  EXPECT_EQ(code.value_or(-1), expected_code) << text;
  return text;
}

std::string EngineTest::exec(const std::string& id, const ExecSpec& spec, int expected_code) {
  ExecSpec wired = spec;
  wired.streams = true;
  Result<Exec> process = engine_->exec(id, wired);
  EXPECT_TRUE(process) << process.error().message();
  if (!process) return "(not started)";
  ExecStreams streams = process->take_streams();
  streams.in.reset();
  std::string text = read_all(streams.out.get(), 1 << 20).value();
  text += read_all(streams.err.get(), 1 << 20).value();
  const Result<int> code = process->wait();
  EXPECT_TRUE(code) << code.error().message();
  EXPECT_EQ(code.value_or(-1), expected_code) << text;
  return text;
}

std::unique_ptr<Engine> EngineTest::second_engine() {
  return std::move(Engine::open(roots_)).value();
}

}  // namespace consort::engine
